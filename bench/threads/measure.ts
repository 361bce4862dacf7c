/**
 * What is measured of calls to a thread, wherever it runs. Every answer is verified.
 */
import type { Actor } from "@troupe/core"
import { Effect } from "effect"

/** Calls over `postMessage` by hand: what sends one, and takes the answers, which come with its number. */
export const byHand = (post: (message: ReadonlyArray<unknown>, moved: ReadonlyArray<ArrayBuffer>) => void) => {
  const waiting = new Map<number, (value: any) => void>()
  let last = 0
  const call = (method: string, args: ReadonlyArray<unknown>, moved: ReadonlyArray<ArrayBuffer> = []) =>
    new Promise<any>((resolve) => {
      waiting.set(++last, resolve)
      post([last, method, ...args], moved)
    })
  const take = ([id, value]: readonly [number, unknown]): void => {
    waiting.get(id)!(value)
    waiting.delete(id)
  }
  return { call, take }
}

/** One thread, or several, behind one interface. */
export interface Contender {
  readonly name: string
  readonly add: (a: number, b: number) => PromiseLike<number>
  readonly burn: (milliseconds: number) => PromiseLike<number>
  readonly digest: (file: string) => PromiseLike<string>
  /** Moves the bytes there and back. */
  readonly echo: (bytes: Uint8Array) => PromiseLike<Uint8Array>
  /** Copies them. */
  readonly copy: (bytes: Uint8Array) => PromiseLike<Uint8Array>
  readonly close: () => Promise<unknown>
}

const median = (samples: ReadonlyArray<number>): number => [...samples].sort((a, b) => a - b)[samples.length >> 1]!

export interface Lane {
  readonly name: string
  readonly run: () => Promise<number>
}

/** Runs all lanes in turns; gives their medians. */
export const inTurns = async (lanes: ReadonlyArray<Lane>, rounds: number): Promise<Map<string, number>> => {
  const samples = new Map(lanes.map(({ name }) => [name, [] as Array<number>]))
  for (const { run } of lanes) await run()
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of lanes) samples.get(name)!.push(await run())
  }
  return new Map([...samples].map(([name, all]) => [name, median(all)]))
}

/** Microseconds per call of something that makes `calls` calls and gives the sum of their answers. */
export const timed = async (calls: number, expected: number, work: () => Promise<number>): Promise<number> => {
  const start = performance.now()
  const sum = await work()
  const spent = performance.now() - start
  if (sum !== expected) throw new Error(`wrong answers: ${sum} instead of ${expected}`)
  return (spent * 1000) / calls
}

export const print = (title: string, unit: string, results: Map<string, number>, base: string, digits = 1) => {
  console.log(`\n${title}`)
  for (const [name, value] of results) {
    const ratio = value / results.get(base)!
    console.log(
      `  ${name.padEnd(28)} ${value.toFixed(digits).padStart(10)} ${unit}   ${ratio.toFixed(2).padStart(6)} of ${base}`
    )
  }
}

const SEQUENTIAL = 3000
export const sequential = (add: Contender["add"]) => () =>
  timed(SEQUENTIAL, SEQUENTIAL * 3, async () => {
    let sum = 0
    for (let i = 0; i < SEQUENTIAL; i++) sum += await add(1, 2)
    return sum
  })

export const IN_FLIGHT = 1000
const WAVES = 20
export const inFlight = (add: Contender["add"]) => () =>
  timed(IN_FLIGHT * WAVES, IN_FLIGHT * WAVES * 3, async () => {
    let sum = 0
    for (let wave = 0; wave < WAVES; wave++) {
      const answers = await Promise.all(Array.from({ length: IN_FLIGHT }, () => add(1, 2)))
      for (const answer of answers) sum += answer
    }
    return sum
  })

const MEGABYTE = 1_000_000
const ECHOES = 100
export const transfers = (echo: Contender["echo"]) => () => {
  let bytes: Uint8Array = new Uint8Array(MEGABYTE)
  return timed(ECHOES, MEGABYTE, async () => {
    for (let i = 0; i < ECHOES; i++) bytes = await echo(bytes)
    return bytes.byteLength
  })
}

export const effects = ({ handle }: { readonly handle: Actor.Handle<any> }) => {
  const ask = (handle as any).add as (a: number, b: number) => Effect.Effect<number>
  return {
    sequential: () =>
      timed(SEQUENTIAL, SEQUENTIAL * 3, () =>
        Effect.runPromise(
          Effect.gen(function* () {
            let sum = 0
            for (let i = 0; i < SEQUENTIAL; i++) sum += yield* ask(1, 2)
            return sum
          })
        )
      ),
    inFlight: () =>
      timed(IN_FLIGHT * WAVES, IN_FLIGHT * WAVES * 3, () =>
        Effect.runPromise(
          Effect.gen(function* () {
            let sum = 0
            for (let wave = 0; wave < WAVES; wave++) {
              const calls = Array.from({ length: IN_FLIGHT }, () => ask(1, 2))
              for (const answer of yield* Effect.all(calls, { concurrency: "unbounded" })) sum += answer
            }
            return sum
          })
        )
      )
  }
}
