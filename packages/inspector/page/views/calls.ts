/** The view of unsettled calls. */
import type { CallsView as Answer } from "../../src/internal/server/views.ts"
import type { Page, View } from "../page.ts"
import { callList } from "../parts/callList.ts"
import { causeList } from "../parts/causes.ts"
import { byId, h, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import type { State } from "../state.ts"

export class CallsView implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { state } = this.page
    if (state.place.tab === "calls" && state.calls !== undefined) {
      show(byId("view-calls"), ...content(state.calls, state))
    }
  }
}

const content = ({ at, calls, causes, total }: Answer, { armed, info }: State): ReadonlyArray<HTMLElement> => {
  const more = total - calls.length
  return [
    ...causeList(causes, at),
    h(
      "p.note",
      {},
      "Calls that have not settled. Those that have been in their stage for the longest time come first."
    ),
    calls.length === 0
      ? h("p.empty", {}, "No call is in flight.")
      : callList(calls, { now: at, control: info?.control ?? false, armed, where: true }),
    ...(more > 0 ? [h("p.note", {}, `and ${format.count(more)} more, most of them in line behind these`)] : [])
  ]
}
