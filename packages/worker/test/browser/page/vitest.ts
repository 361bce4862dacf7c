/**
 * Stands for `vitest` and `@effect/vitest` in a page: gathers the tests of a file, for `runner.ts` to run one by one.
 */
import { assert } from "chai"
import { Effect, Layer, type Scope } from "effect"
import { TestClock, TestConsole } from "effect/testing"

interface Test {
  readonly body: () => unknown
  readonly timeout: number | undefined
}

const tests = new Map<string, Test>()
const path: Array<string> = []

const named = (name: string): string => [...path, name].join(" > ")

export const describe = (name: string, body: () => void): void => {
  path.push(name)
  body()
  path.pop()
}

type Body = (context: object) => Effect.Effect<unknown, unknown, Scope.Scope>

const testing = Layer.mergeAll(TestConsole.layer, TestClock.layer())

type Options = number | { readonly timeout?: number | undefined }

const it = (name: string, body: () => unknown, options?: Options): void => {
  tests.set(named(name), { body, timeout: typeof options === "number" ? options : options?.timeout })
}
it.effect = (name: string, body: Body, options?: Options) =>
  it(name, () => Effect.runPromise(Effect.scoped(Effect.provide(body({}), testing))), options)
it.live = (name: string, body: Body, options?: Options) =>
  it(name, () => Effect.runPromise(Effect.scoped(body({}))), options)

/** The page is closed after the tests, and what it has left behind with it. */
export const afterAll = (): void => {}

export { assert, it }

const run = async (name: string): Promise<string | null> => {
  try {
    await tests.get(name)!.body()
    return null
  } catch (error: any) {
    return `${error?.stack ?? error}`
  }
}

/** The names of all tests, each with its own timeout, if it has one. */
const list = () => [...tests].map(([name, { timeout }]) => [name, timeout] as const)

export const suite = { list, run }
