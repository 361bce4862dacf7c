/** What is shown of a room, by either page. */
import type * as RemoteHome from "@troupe/remote/RemoteHome"
import type { Message, Said } from "../Room.ts"

/** A message as it is shown: one that the room has not confirmed yet has no time. */
export interface Line extends Message {
  readonly at: number | undefined
  readonly isMine: boolean
  /** Whether the line before is by the same visitor. */
  readonly isMore: boolean
}

/** What was said, and after it what this visitor is about to have said. */
export const linesOf = (
  said: ReadonlyArray<Said>,
  unsent: ReadonlyArray<Message>,
  who: string
): ReadonlyArray<Line> => {
  const known = new Set(said.map(({ id }) => id))
  const all = [...said, ...unsent.filter(({ id }) => !known.has(id)).map((message) => ({ ...message, at: undefined }))]
  return all.map((message, i) => ({
    ...message,
    isMine: message.who === who,
    isMore: all[i - 1]?.who === message.who
  }))
}

/** The words above a message. */
export const fromOf = ({ at, isMine, who }: Line): string => {
  if (at === undefined) return "sending…"
  return isMine ? timeOf(at) : `${who} · ${timeOf(at)}`
}

const timeOf = (at: number): string => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })

/** The state of the connection, in words. */
export const stateOf = (connection: RemoteHome.Connection): string => {
  switch (connection._tag) {
    case "Connecting":
      return "Connecting…"
    case "Connected":
      return "Connected"
    case "Lost":
      return `Offline since ${timeOf(connection.since)}. Trying again…`
    case "Closed":
      return "The connection is closed. Load the page again."
  }
}

export const initialOf = (who: string): string => [...who][0]!.toUpperCase()

/** The colour of a name, as an angle. */
export const hueOf = (who: string): number => {
  let hue = 0
  for (const letter of who) hue = (hue * 31 + letter.codePointAt(0)!) % 360
  return hue
}
