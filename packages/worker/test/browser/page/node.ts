/** Stands for other modules of Node in a page, as far as tests use them. */
const scope = globalThis as any

// node:os
export const availableParallelism = (): number => scope.navigator.hardwareConcurrency

// node:events
export const once = (target: any, type: string): Promise<ReadonlyArray<unknown>> =>
  new Promise((resolve) => {
    target.addEventListener(type, ({ data }: any) => resolve([data]), { once: true })
    target.start?.()
  })
export class EventEmitter {}

// node:v8 and node:vm, for tests that collect garbage
export const setFlagsFromString = (): void => {}
export const runInNewContext = (): unknown => scope.gc

const missing = (name: string) => () => {
  throw new Error(`a page has no ${name}`)
}
export const execFile = missing("processes")
export const readFile = missing("files")
export const promisify = (f: unknown): unknown => f
export const fileURLToPath = String
export class AsyncLocalStorage {}
