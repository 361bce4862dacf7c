/** The page: views over one state. */
import { addressOf, placeAt } from "./address.ts"
import { Connection } from "./connection.ts"
import type { Page, View } from "./page.ts"
import { apply, initial } from "./state.ts"
import { ActorsView } from "./views/actors.ts"
import { CallsView } from "./views/calls.ts"
import { listenForControls } from "./views/controls.ts"
import { Detail } from "./views/detail.ts"
import { EventsView } from "./views/events.ts"
import { FailedView } from "./views/failed.ts"
import { Header } from "./views/header.ts"
import { NodesView } from "./views/nodes.ts"
import { Tabs } from "./views/tabs.ts"
import { TimelineView } from "./views/timeline.ts"
import { WaitsView } from "./views/waits.ts"

const state = initial(placeAt(location.hash))

const page: Page = {
  state,
  change: (change) => {
    apply(state, change)
    draw()
  },
  go: (to) => {
    const address = addressOf({ ...state.place, ...to })
    if (location.hash !== address) history.pushState(null, "", address)
    arrive()
  },
  select: (selection) => page.go({ selection }),
  draw: () => draw(),
  ask: () => void connection.ask(),
  togglePause: () => connection.togglePause()
}

/** Shows what the address says. */
const arrive = (): void => {
  page.change({ _tag: "Place", place: placeAt(location.hash) })
  page.ask()
}

const connection = new Connection(page)
const frame: ReadonlyArray<View> = [new Header(page), new Tabs(page)]
const views: ReadonlyArray<View> = [
  new ActorsView(page),
  new CallsView(page),
  new WaitsView(page),
  new TimelineView(page),
  new EventsView(page),
  new NodesView(page),
  new FailedView(page),
  new Detail(page)
]

const draw = (): void => {
  for (const view of frame) view.draw()
  // What the views show depends on the program.
  if (state.info !== undefined) for (const view of views) view.draw()
}

window.addEventListener("popstate", arrive)
listenForControls(page)
draw()
connection.start()
