/**
 * Stands for `vitest` and `@effect/vitest` in a page: gathers the tests of a file, for `runner.ts` to run one by one.
 */
import { assert } from "chai"
import { Effect, Layer, type Scope } from "effect"
import { TestClock, TestConsole } from "effect/testing"

const tests = new Map<string, () => unknown>()
const path: Array<string> = []

const named = (name: string): string => [...path, name].join(" > ")

export const describe = (name: string, body: () => void): void => {
  path.push(name)
  body()
  path.pop()
}

type Body = (context: object) => Effect.Effect<unknown, unknown, Scope.Scope>

const testing = Layer.mergeAll(TestConsole.layer, TestClock.layer())

const it = (name: string, body: () => unknown): void => {
  tests.set(named(name), body)
}
it.effect = (name: string, body: Body) =>
  it(name, () => Effect.runPromise(Effect.scoped(Effect.provide(body({}), testing))))
it.live = (name: string, body: Body) => it(name, () => Effect.runPromise(Effect.scoped(body({}))))

/** The page is closed after the tests, and what it has left behind with it. */
export const afterAll = (): void => {}

export { assert, it }

const run = async (name: string): Promise<string | null> => {
  try {
    await tests.get(name)!()
    return null
  } catch (error: any) {
    return `${error?.stack ?? error}`
  }
}

export const suite = { names: () => [...tests.keys()], run }
