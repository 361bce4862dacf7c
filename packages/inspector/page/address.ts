/** Where the reader is, as the fragment of the address: it can be shared, and the browser can go back to it. */

export const tabs = ["actors", "calls", "waits", "timeline", "events", "nodes"] as const
export type Tab = (typeof tabs)[number]

/** What the panel shows: a group of instances (by actor, or by the name of their place), or one instance. */
export type Selection = { readonly actor: string } | { readonly instance: number }

export interface Place {
  readonly tab: Tab
  readonly selection: Selection | undefined
}

export const addressOf = ({ selection, tab }: Place): string => {
  if (selection === undefined) return `#/${tab}`
  return "actor" in selection
    ? `#/${tab}/actor/${encodeURIComponent(selection.actor)}`
    : `#/${tab}/instance/${selection.instance}`
}

export const placeAt = (address: string): Place => {
  const [, where, what, which] = address.split("/")
  return { tab: tabs.find((one) => one === where) ?? "actors", selection: selectionAt(what, which) }
}

const selectionAt = (what: string | undefined, which: string | undefined): Selection | undefined => {
  const id = Number(which)
  if (what === "actor" && which) return { actor: decodeURIComponent(which) }
  return what === "instance" && Number.isInteger(id) ? { instance: id } : undefined
}
