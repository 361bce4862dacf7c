/** What the page knows and where the reader is: one object, which only `apply` changes. No DOM in here. */
import type { ClusterView, FailedView, Found, Frame, Info, Recent, TraceView } from "../src/internal/live/frame.ts"
import type { Waits } from "../src/internal/live/waits.ts"
import type { CallsView, InstanceView } from "../src/internal/server/views.ts"
import type { Place } from "./address.ts"
import { Model } from "./model/model.ts"
import { RecentCalls } from "./model/recentCalls.ts"

export type Connection =
  | { readonly _tag: "connecting" }
  | { readonly _tag: "live" }
  | { readonly _tag: "paused" }
  | { readonly _tag: "lost"; readonly why: string; readonly code?: number | undefined }
  | { readonly _tag: "refused"; readonly why: string; readonly code?: number | undefined }

export interface State {
  connection: Connection
  /** The program. Unknown until it has answered for the first time. */
  info: Info | undefined
  place: Place
  /** What the updates have told. */
  readonly model: Model
  /** What the timeline draws. */
  readonly recent: RecentCalls
  /** The last answers about what updates do not tell. */
  instance: InstanceView | undefined
  calls: CallsView | undefined
  waits: Waits | undefined
  cluster: ClusterView | undefined
  failed: FailedView | undefined
  trace: TraceView | undefined
  /** What the reader searches for. */
  search: string
  /** What the last search has found among all instances, if the page does not know all of them. */
  found: Found | undefined
  /** The groups of the list that are open. */
  readonly open: Set<string>
  /** The last event that the reader has seen. */
  seenEvents: number
  /** The button that has been pressed once and asks "Sure?". */
  armed: string | undefined
}

export type Change =
  | { readonly _tag: "Connection"; readonly connection: Connection }
  | { readonly _tag: "Info"; readonly info: Info }
  | { readonly _tag: "Frame"; readonly frame: Frame }
  | { readonly _tag: "Place"; readonly place: Place }
  | { readonly _tag: "Instance"; readonly instance: InstanceView }
  | { readonly _tag: "Calls"; readonly calls: CallsView }
  | { readonly _tag: "Waits"; readonly waits: Waits }
  | { readonly _tag: "Cluster"; readonly cluster: ClusterView }
  | { readonly _tag: "Failed"; readonly failed: FailedView }
  | { readonly _tag: "Trace"; readonly trace: TraceView }
  | { readonly _tag: "Recent"; readonly recent: Recent }
  | { readonly _tag: "Searched"; readonly search: string }
  | { readonly _tag: "Found"; readonly found: Found }
  | { readonly _tag: "Zoomed"; readonly length: number }
  | { readonly _tag: "Looked"; readonly by: 1 | -1 }
  | { readonly _tag: "Toggled"; readonly group: string }
  | { readonly _tag: "Armed"; readonly button: string | undefined }

export const initial = (place: Place): State => ({
  connection: { _tag: "connecting" },
  info: undefined,
  place,
  model: new Model(),
  recent: new RecentCalls(),
  instance: undefined,
  calls: undefined,
  waits: undefined,
  cluster: undefined,
  failed: undefined,
  trace: undefined,
  search: "",
  found: undefined,
  open: new Set(),
  seenEvents: 0,
  armed: undefined
})

export const apply = (state: State, change: Change): void => {
  switch (change._tag) {
    case "Connection":
      connect(state, change.connection)
      break
    case "Info":
      state.info = change.info
      break
    case "Frame":
      connect(state, { _tag: "live" })
      if (change.frame.reset) state.recent.clear()
      state.model.apply(change.frame)
      break
    case "Place":
      state.place = change.place
      if (state.instance?.instance.instance !== selectedInstance(state)) state.instance = undefined
      if (state.trace?.trace !== selectedTrace(state)) state.trace = undefined
      break
    case "Instance":
      // The reader may have gone on while the server answered.
      if (change.instance.instance.instance === selectedInstance(state)) state.instance = change.instance
      break
    case "Calls":
      state.calls = change.calls
      break
    case "Waits":
      state.waits = change.waits
      break
    case "Cluster":
      state.cluster = change.cluster
      break
    case "Failed":
      state.failed = change.failed
      break
    case "Trace":
      // The reader may have gone on while the nodes answered.
      if (change.trace.trace === selectedTrace(state)) state.trace = change.trace
      break
    case "Recent":
      state.recent.take(change.recent)
      break
    case "Searched":
      state.search = change.search
      if (isPlain(change.search)) state.found = undefined
      break
    case "Found":
      state.found = change.found
      break
    case "Zoomed":
      state.recent.zoom(change.length)
      break
    case "Looked":
      state.recent.look(change.by)
      break
    case "Toggled":
      if (!state.open.delete(change.group)) state.open.add(change.group)
      break
    case "Armed":
      state.armed = change.button
  }
  if (state.place.tab === "events") state.seenEvents = state.model.news.at(-1)?.seq ?? 0
}

const connect = (state: State, connection: Connection): void => {
  state.connection = connection
  state.recent.hold(connection._tag !== "live")
}

const isPlain = (search: string): boolean => search.trim() === ""

/** Whether the program has to be searched, since the page does not know all instances. */
export const asksProgram = ({ model, search }: State): boolean => !isPlain(search) && model.isPartial

/** The number of the instance in the panel. */
export const selectedInstance = ({ place: { selection } }: State): number | undefined =>
  selection !== undefined && "instance" in selection ? selection.instance : undefined

/** The trace in the panel. */
export const selectedTrace = ({ place: { selection } }: State): string | undefined =>
  selection !== undefined && "trace" in selection ? selection.trace : undefined
