/** Pages in a real browser, where there is one, of which all that they ask for is made here. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll } from "@effect/vitest"
import type { Browser, Page } from "playwright-core"
import { launch, warnWithout } from "../../../../scripts/chromium.ts"

warnWithout("threads of a browser")

let launched: Promise<Browser> | undefined
const browser = (): Promise<Browser> => {
  launched ??= launch("--js-flags=--expose-gc", "--host-resolver-rules=MAP insecure.test 127.0.0.1")
  return launched
}

afterAll(async () => (await launched)?.close())

/** What makes the file of a path. */
export type Serve = (path: string) => Promise<string | undefined>

/** Headers with which a page is apart from all others, and may share memory with its threads. */
const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }

const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/main.mjs"></script>`

/**
 * What a page has: `isolated` ones share memory with their threads, `plain` ones do not, and `insecure` ones, which came by
 * plain HTTP, have no locks either.
 */
export type Kind = "isolated" | "plain" | "insecure"

/** Opens a page whose script is `/main.mjs`. */
export const open = async (serve: Serve, kind: Kind): Promise<Page> => {
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(kind === "isolated" ? isolation : {})) response.setHeader(name, value)
    const { pathname } = new URL(request.url!, "http://localhost")
    // Threads are started by the hundred, and each would fetch and compile its script anew.
    response.setHeader("cache-control", "max-age=3600")
    response.setHeader("content-type", pathname === "/" ? "text/html" : "text/javascript")
    const body = pathname === "/" ? html : await serve(pathname).catch(String)
    if (body === undefined) response.statusCode = 404
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const context = await (await browser()).newContext()
  afterAll(async () => {
    await context.close()
    server.closeAllConnections()
    server.close()
  })
  const page = await context.newPage()
  page.on("pageerror", (error) => console.error("in the page:", error))
  const host = kind === "insecure" ? "insecure.test" : "localhost"
  await page.goto(`http://${host}:${(server.address() as AddressInfo).port}/`)
  return page
}
