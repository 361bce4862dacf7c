/**
 * Stands for `node:worker_threads` in pages and their workers, as far as tests and their fixtures use it. A browser's worker
 * knows nothing of its owner but its name, so `workerData` goes by that, for workers that the library makes, too.
 */
interface Named {
  readonly threadId: number
  readonly workerData: unknown
}

const scope = globalThis as any
const isThread = scope.document === undefined
const { threadId, workerData }: Named = isThread ? JSON.parse(scope.name) : { threadId: 0 }

export { threadId, workerData }
export const isMainThread = !isThread
export const MessageChannel = scope.MessageChannel

let lastThread = 0

class NamedWorker extends scope.Worker {
  private readonly exits: Array<() => void> = []
  private isWatched = false

  constructor(url: URL | string, { workerData, ...options }: { readonly workerData?: unknown } = {}) {
    super(url, { type: "module", ...options, name: JSON.stringify({ threadId: ++lastThread, workerData }) })
    // The lock of the library's own: had when the thread is gone.
    this.addEventListener("message", ({ data }: any) => {
      if (data?.lock === undefined) return
      this.isWatched = true
      scope.navigator.locks.request(data.lock, () => this.exited())
    })
  }

  once(type: string, listener: () => void): this {
    if (type === "exit") this.exits.push(listener)
    return this
  }

  private exited(): void {
    for (const listener of this.exits.splice(0)) listener()
  }

  async terminate(): Promise<void> {
    super.terminate()
    if (!this.isWatched) this.exited()
  }
}

export const Worker = NamedWorker
scope.Worker = NamedWorker
