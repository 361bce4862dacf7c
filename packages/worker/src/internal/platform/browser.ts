/**
 * Threads of a browser: its `Worker`.
 *
 * It tells an owner less than Node does, so the thread speaks for itself. It says when it listens: a message that comes
 * earlier, while a module waits for another, would be lost. It says when an error that nothing caught ends it, and ends
 * itself then. And it holds a lock for as long as it lives, which its owner waits for: it is had when the thread is gone,
 * whatever has ended it. Where there are no locks (a page that came over plain HTTP), an owner takes a thread that it ended for gone, and one that ends by itself is missed when it does not answer.
 */
import type { AnyWorker } from "../../WorkerHome.ts"
import type { Platform, Port } from "./platform.ts"

// --- what of a browser is used here: its types would be global, in the middle of Node's ------------------------------

interface Target {
  addEventListener(type: string, listener: (event: any) => void): void
  removeEventListener(type: string, listener: (event: any) => void): void
}

interface Scope extends Target {
  readonly Worker?: new (url: URL | string, options: object) => AnyWorker
  /** The class of the globals of a worker that has one owner. */
  readonly DedicatedWorkerGlobalScope?: abstract new () => unknown
  readonly navigator?: { readonly hardwareConcurrency?: number; readonly locks?: Locks }
  postMessage(message: unknown): void
  close(): void
}

interface Locks {
  request(name: string, whileHeld: () => unknown): Promise<unknown>
}

const scope = globalThis as unknown as Scope

// --- the owner's side ------------------------------------------------------------------------------------------------

const methods = ["postMessage", "addEventListener", "terminate"] as const

const makeWorker: Platform["makeWorker"] = (url, options) => {
  if (scope.Worker === undefined)
    throw new TypeError("there is no Worker here: threads are started by pages and workers")
  const worker = new scope.Worker(url, { type: "module", ...options })
  scripts.set(worker, String(url))
  return worker
}

/** Where workers come from, as far as it is known. */
const scripts = new WeakMap<AnyWorker, string>()

/** The first message of a thread. It may go by the same way as messages of the program. */
interface Hello {
  readonly troupe: "listening"
  /** The name of the lock that the thread holds. */
  readonly lock: string | undefined
}

let lastId = 0

const own: Platform["own"] = (made, on) => {
  const worker = made as AnyWorker & Target
  let phase: "running" | "watched" | "gone" = "running"
  const gone = () => {
    if (phase === "gone") return
    phase = "gone"
    on.exit(undefined)
  }
  const terminate = () => {
    worker.terminate()
    if (phase !== "watched") gone()
  }
  worker.addEventListener("error", (event) => {
    event.preventDefault()
    on.error(errorOf(event, scripts.get(worker)))
    // On its own it would go on, without what the error has cost it.
    terminate()
  })
  return {
    id: ++lastId,
    start: (message, port) => {
      const listen = ({ data }: { readonly data: Partial<Hello> | undefined }) => {
        if (data?.troupe !== "listening" || phase !== "running") return
        worker.removeEventListener("message", listen)
        if (data.lock !== undefined) {
          phase = "watched"
          void scope.navigator!.locks!.request(data.lock, gone)
        }
        worker.postMessage(message, [port])
      }
      worker.addEventListener("message", listen)
    },
    keepAlive: () => {},
    terminate
  }
}

interface ErrorEvent {
  readonly message?: string
  readonly filename?: string
  readonly lineno?: number
}

/** What happened before the thread could say it. The event has the error as text, and none at all if there is no script. */
const errorOf = (event: ErrorEvent, script = ""): Error => {
  const { filename, lineno, message } = event
  if (message === undefined) return new Error(`its script ${script} does not load, or one that it imports`)
  const [, name = "Error", text] = /^(?:Uncaught )?(?:(\w*(?:Error|Exception)): )?(.*)$/s.exec(message)!
  const error = new Error(text)
  error.name = name
  error.stack = `${name}: ${text}\n    at ${filename}:${lineno}`
  return error
}

// --- the thread's side -----------------------------------------------------------------------------------------------

const isThread = (): boolean =>
  scope.DedicatedWorkerGlobalScope !== undefined && globalThis instanceof scope.DedicatedWorkerGlobalScope

const onStart: Platform["onStart"] = (begin) => {
  const listen = ({ data }: { readonly data: unknown }) => {
    if (begin(data)) scope.removeEventListener("message", listen)
  }
  scope.addEventListener("message", listen)
  const hello = (lock?: string) => scope.postMessage({ troupe: "listening", lock } satisfies Hello)
  const locks = scope.navigator?.locks
  if (locks === undefined) return hello()
  const name = `troupe/${crypto.randomUUID()}`
  const hold = () => {
    hello(name)
    return new Promise<never>(() => {})
  }
  // A document without an origin, like one of a `data:` URL, may have none.
  locks.request(name, hold).catch(() => hello())
}

const onUncaught: Platform["onUncaught"] = (say) => {
  const end = (event: { readonly defaultPrevented: boolean; preventDefault(): void }, error: unknown) => {
    // The program has dealt with it.
    if (event.defaultPrevented) return
    event.preventDefault()
    say(error)
    scope.close()
  }
  scope.addEventListener("error", (event) => end(event, event.error ?? new Error(event.message)))
  scope.addEventListener("unhandledrejection", (event) => end(event, event.reason))
}

interface BrowserPort extends Port, Target {
  start(): void
}

export const platform: Platform = {
  listen: (port, on) => {
    const source = port as BrowserPort
    // A message that cannot be read is an event of its own in some browsers, and without data in others.
    const garbled = () => on.garbled(new RangeError("a message cannot be read"))
    source.addEventListener("message", ({ data }) => (data === null ? garbled() : on.message(data)))
    source.addEventListener("messageerror", garbled)
    source.start()
  },
  receive: undefined,

  parallelism: () => scope.navigator?.hardwareConcurrency ?? 1,
  workers: "a Worker",
  isWorker: (made) => methods.every((name) => typeof made?.[name] === "function"),
  makeWorker,
  own,

  isThread,
  onStart,
  exit: (say) => {
    say()
    scope.close()
  },
  onUncaught,
  onExit: () => {}
}
