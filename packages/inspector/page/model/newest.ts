/** The order of events. No DOM in here. */

/** By the time when it happened, not when it was reported. Events of unknown time are older than all others. */
export const newestFirst = <A extends { readonly at?: number }>(events: ReadonlyArray<A>): ReadonlyArray<A> =>
  events.toReversed().sort((a, b) => (b.at ?? 0) - (a.at ?? 0))
