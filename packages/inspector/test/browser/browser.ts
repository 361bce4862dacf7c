/** A real browser, where there is one. */
import { afterAll } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { launch, warnWithout } from "../../../../scripts/chromium.ts"
import type { Inspector } from "../../src/Inspector.ts"

warnWithout("the tests of the page")

let launched: Promise<Browser> | undefined
const browser = (): Promise<Browser> => {
  launched ??= launch()
  return launched
}

afterAll(async () => (await launched)?.close())

/** What a page did that it should not have done. */
export interface Misdeeds {
  /** Requests for anything that is not of the inspector. */
  readonly elsewhere: Array<string>
  /** Errors, and refusals by its own policy. */
  readonly errors: Array<string>
}

export interface Opened {
  readonly page: Page
  readonly misdeeds: Misdeeds
}

/** How long something may take to appear: on a machine that does other things, too. */
export const PATIENCE = 20_000

export const openAt = (url: string, options: BrowserContextOptions = {}): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.acquireRelease(
      Effect.promise(async () => (await browser()).newContext({ viewport: { width: 1280, height: 800 }, ...options })),
      (context) => Effect.promise(() => context.close())
    )
    const page = yield* Effect.promise(() => context.newPage())
    page.setDefaultTimeout(PATIENCE)
    const misdeeds: Misdeeds = { elsewhere: [], errors: [] }
    const { origin } = new URL(url)
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith("blob:"))
        misdeeds.elsewhere.push(request.url())
    })
    page.on("pageerror", (error) => misdeeds.errors.push(error.message))
    page.on("console", (message) => {
      if (message.type() === "error") misdeeds.errors.push(message.text())
    })
    yield* Effect.promise(() => page.goto(url))
    return { page, misdeeds }
  })

/** Opens the page of an inspector, as its address says or without the token. */
export const openPage = (
  inspector: Inspector["Service"],
  options: BrowserContextOptions & { readonly at?: string } = {}
): Effect.Effect<Opened, never, Scope.Scope> => {
  const { at = "", ...rest } = options
  const { token, url } = inspector
  const hash = token === undefined ? at : `#token=${Redacted.value(token)}`
  return openAt(token === undefined ? `${url}${hash}` : url, rest)
}
