/**
 * Runs a test file of threads in a page of Chromium, as it is: what it imports of Node and of vitest is replaced by the
 * modules in `page`.
 */
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { build, type Plugin } from "esbuild"
import type { Page } from "playwright-core"
import { executable } from "../../../../scripts/chromium.ts"
import { type Kind, open } from "./pages.ts"

const here = import.meta.dirname
const replacement = (name: string): string => path.join(here, `page/${name}.ts`)

const inPage: Plugin = {
  name: "in a page",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^(@effect\/)?vitest$/ }, () => ({ path: replacement("vitest") }))
    onResolve({ filter: /^node:worker_threads$/ }, () => ({ path: replacement("workerThreads"), sideEffects: true }))
    onResolve({ filter: /^node:/ }, () => ({ path: replacement("node") }))
    // The package says that its modules do nothing but export. Those that a page begins with do more.
    onResolve({ filter: /^\.\// }, ({ importer, path: file, resolveDir }) =>
      importer === "<stdin>" ? { path: path.join(resolveDir, file), sideEffects: true } : undefined
    )
    onResolve({ filter: /^\.\/support\.ts$/ }, ({ resolveDir }) =>
      resolveDir === path.dirname(here) ? { path: replacement("support") } : undefined
    )
  }
}

const bundle = async (entry: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: path.dirname(here), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["@troupe/source"],
    define: { "process.exit": "exitProcess", "process.pid": "0", "process.env.TROUPE_SEED": "undefined" },
    inject: [replacement("globals")],
    plugins: [inPage],
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "error"
  })
  return outputFiles[0]!.text
}

const serving = (file: string) => {
  const made = new Map<string, Promise<string>>()
  return async (pathname: string): Promise<string | undefined> => {
    const name = /^\/(\w+(?:\.worker)?)\.mjs$/.exec(pathname)?.[1]
    if (name === undefined) return undefined
    const entry =
      name === "main"
        ? `import "node:worker_threads"\nimport "./${file}"\nimport { suite } from "vitest"\nglobalThis.suite = suite`
        : `import "node:worker_threads"\nimport "./fixtures/${name}.ts"`
    if (!made.has(name)) made.set(name, bundle(entry))
    return made.get(name)
  }
}

const testsIn = async (page: Page): Promise<ReadonlyArray<readonly [name: string, timeout: number | undefined]>> => {
  await page.waitForFunction("globalThis.suite !== undefined")
  return page.evaluate("suite.list()")
}

export interface Options {
  readonly kind: Kind
  /** The tests that are left out, by how their names begin, and why. */
  readonly without?: Readonly<Record<string, string>>
}

/** Defines the tests of a file, each of which runs in one page. */
export const runInPage = async (file: string, { kind, without = {} }: Options): Promise<void> => {
  const name = `${file}, in ${kind === "plain" ? "a" : `an ${kind}`} page`
  if (executable === undefined) {
    describe.skip(name, () => it("needs Chromium", () => {}))
    return
  }
  const page = await open(serving(file), kind)
  const tests = await testsIn(page)
  const left = new Set(Object.keys(without))
  describe(name, () => {
    for (const [test, timeout] of tests) {
      const reason = Object.keys(without).find((beginning) => test.includes(beginning))
      if (reason !== undefined) left.delete(reason)
      else it(test, async () => assert.isNull(await page.evaluate(`suite.run(${JSON.stringify(test)})`)), timeout)
    }
    it("leaves out only tests that there are", () => assert.deepStrictEqual([...left], []))
  })
}
