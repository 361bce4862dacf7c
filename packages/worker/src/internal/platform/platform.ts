/**
 * What threads need of the place where they run. There are two such places, Node and a browser, and `#platform` is the one
 * or the other: bundlers for browsers set the condition `browser`, and `package.json` says what that leads to.
 */
import type { AnyWorker } from "../../WorkerHome.ts"

/** One end of a channel of messages. */
export interface Port {
  postMessage(message: unknown, moved?: any): void
  close(): void
  /** From here on it does not keep the process alive. */
  unref?(): void
}

/** What is done with the messages that a port gets. */
export interface Hearing {
  readonly message: (message: any) => void
  /** A message has arrived that cannot be read. */
  readonly garbled: (error: unknown) => void
}

/** What an owner is told of its worker. */
export interface WorkerEvents {
  /** An error that nothing caught. The exit follows. */
  readonly error: (error: unknown) => void
  /** The thread is gone. The code is that of Node. */
  readonly exit: (code: number | undefined) => void
}

/** A worker, as its owner has it. */
export interface OwnedWorker {
  readonly id: number
  /** Gives it what it starts with, as soon as it listens. */
  start(message: unknown, port: Port): void
  /** Whether it keeps the process alive. */
  keepAlive(keep: boolean): void
  /** Ends it by force. The exit follows. */
  terminate(): void
}

export interface Platform {
  readonly listen: (port: Port, on: Hearing) => void
  /**
   * Takes a message that has arrived, without a turn of the event loop. A browser cannot: who wants to know what has
   * arrived gives the event loop its turn.
   */
  readonly receive: ((port: Port) => { readonly message: any } | undefined) | undefined

  // --- the owner's side ----------------------------------------------------------------------------------------------

  /** How many threads the machine runs at once. */
  readonly parallelism: () => number
  /** What `spawn` has to give, in words. */
  readonly workers: string
  readonly isWorker: (made: any) => boolean
  readonly makeWorker: (url: URL | string, options: object | undefined) => AnyWorker
  readonly own: (worker: AnyWorker, on: WorkerEvents) => OwnedWorker

  // --- the thread's side ---------------------------------------------------------------------------------------------

  readonly isThread: () => boolean
  /** Has `begin` look at messages of the owner until it takes one as its start. */
  readonly onStart: (begin: (message: any) => boolean) => void
  /** Ends this thread. `say` sends the last message, where the owner would not be told of the end otherwise. */
  readonly exit: (say: () => void) => void
  /** Sends the last message when an error that nothing caught ends this thread, where the owner would not be told. */
  readonly onUncaught: (say: (error: unknown) => void) => void
  /** Does a last piece of work when the thread ends, if it comes to that. */
  readonly onExit: (work: () => void) => void
}
