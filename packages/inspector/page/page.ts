/** What the views of the page have in common. */
import type { Place, Selection } from "./address.ts"
import type { Change, State } from "./state.ts"

/** What a view can do, apart from drawing. */
export interface Page {
  readonly state: State
  /** Applies a change and draws all views. */
  readonly change: (change: Change) => void
  /** Goes to another place, and puts it into the address. */
  readonly go: (to: Partial<Place>) => void
  readonly select: (selection: Selection) => void
  /** Draws all views, after something changed that is not part of the state: the search, for example. */
  readonly draw: () => void
  /** Asks the server for what the views show and updates do not tell. */
  readonly ask: () => void
  /** Stops updates, or resumes them. */
  readonly togglePause: () => void
}

/** Draws a part of the page from the state. It is called after each change, so it has to be cheap if nothing is new. */
export interface View {
  readonly draw: () => void
}
