/**
 * The names of the calls that led to a call, for its errors.
 *
 * A call that submits its successor, which does the same, makes a chain that never ends. So a trail is names alone, and
 * it ends: each has those of the last {@link MAX_CALLERS} callers, and fewer than twice as many are kept.
 */

/** Enough to see where a call came from, however long the chain is. */
const MAX_CALLERS = 32

export interface Trail {
  readonly origin: string
  readonly before: Trail | undefined
  /** How many steps have come since the trail was last cut. */
  readonly length: number
}

/** The trail of what a call submits. */
export const follow = (before: Trail | undefined, origin: string): Trail => {
  if (before === undefined) return { origin, before, length: 1 }
  if (before.length < MAX_CALLERS) return { origin, before, length: before.length + 1 }
  return { origin, before: cut(before), length: 1 }
}

/** A copy of what is shown, since other trails go on from the original. */
const cut = (trail: Trail): Trail | undefined =>
  callers(trail).reduceRight<Trail | undefined>((before, origin) => ({ origin, before, length: 0 }), undefined)

/** The nearest callers first. */
export const callers = (trail: Trail | undefined): Array<string> => {
  const names: Array<string> = []
  for (let at = trail; at !== undefined && names.length < MAX_CALLERS; at = at.before) names.push(at.origin)
  return names
}
