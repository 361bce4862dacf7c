/** The connection to the server: the stream of updates, and requests for what it does not tell. */
import type { ClusterView, FailedView, Found, Info, Recent, TraceView } from "../src/internal/live/frame.ts"
import type { Waits } from "../src/internal/live/waits.ts"
import type { CallsView, InstanceView } from "../src/internal/server/views.ts"
import * as api from "./api.ts"
import type { Page } from "./page.ts"
import { toast } from "./parts/toast.ts"
import { asksProgram, selectedInstance, selectedTrace } from "./state.ts"

export class Connection {
  private following = new AbortController()
  /** For how many seconds the server has been silent. */
  private silence = 0
  private asking = false
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  start(): void {
    this.follow()
    setInterval(() => this.second(), 1000)
  }

  /** A paused page is not connected, so it costs the program nothing. It resumes with the present state. */
  togglePause(): void {
    if (this.page.state.connection._tag === "paused") return this.follow()
    this.following.abort()
    this.page.change({ _tag: "Connection", connection: { _tag: "paused" } })
  }

  private follow(): void {
    const { change, state } = this.page
    if (state.connection._tag === "paused") change({ _tag: "Connection", connection: { _tag: "connecting" } })
    this.following = new AbortController()
    void api.follow(
      (frame) => {
        this.silence = 0
        // If this fails, so does the connection, and the next one tries again.
        if (frame.reset) this.introduce().catch(() => {})
        change({ _tag: "Frame", frame })
        void this.ask()
      },
      (connection) => change({ _tag: "Connection", connection }),
      this.following.signal
    )
  }

  /** With each connection: there may be another process behind the address by now. */
  private async introduce(): Promise<void> {
    const isFirst = this.page.state.info === undefined
    this.page.change({ _tag: "Info", info: await api.get<Info>("info") })
    if (isFirst) void this.ask()
  }

  /**
   * A process that hangs, or a tunnel that breaks, does not end the connection, so after a long silence it is given up.
   * Seconds are counted, not measured: time in which this page slept is not silence of the server.
   */
  private second(): void {
    const { change, state } = this.page
    if (state.connection._tag !== "live" || ++this.silence <= 5 + (3 * state.model.interval) / 1000) return
    this.following.abort()
    change({ _tag: "Connection", connection: { _tag: "lost", why: "there was no update for a while" } })
    this.follow()
  }

  /** One request at a time, so a slow server is not asked twice. */
  async ask(): Promise<void> {
    const { change, state } = this.page
    if (this.asking || state.connection._tag === "paused" || document.hidden || state.info === undefined) return
    this.asking = true
    try {
      await this.askInstance()
      const trace = selectedTrace(state)
      if (trace !== undefined) change({ _tag: "Trace", trace: await api.get<TraceView>(`trace/${trace}`) })
      const { tab } = state.place
      if (tab === "actors" && asksProgram(state)) {
        const search = encodeURIComponent(state.search)
        change({ _tag: "Found", found: await api.get<Found>(`find?search=${search}`) })
      }
      if (tab === "calls") change({ _tag: "Calls", calls: await api.get<CallsView>("calls") })
      if (tab === "waits") change({ _tag: "Waits", waits: await api.get<Waits>("waits") })
      if (tab === "nodes") change({ _tag: "Cluster", cluster: await api.get<ClusterView>("cluster") })
      if (tab === "failed") change({ _tag: "Failed", failed: await api.get<FailedView>("failed") })
      if (tab === "timeline") {
        change({ _tag: "Recent", recent: await api.get<Recent>(`recent?after=${state.recent.seq}`) })
      }
    } catch {
      // The stream of updates fails, too, and says why.
    } finally {
      this.asking = false
    }
  }

  private async askInstance(): Promise<void> {
    const id = selectedInstance(this.page.state)
    if (id === undefined) return
    try {
      this.page.change({ _tag: "Instance", instance: await api.get<InstanceView>(`instance/${id}`) })
    } catch (error) {
      if (error instanceof api.ApiError && error.status === 404) toast("This instance has ended.")
      else throw error
    }
  }
}
