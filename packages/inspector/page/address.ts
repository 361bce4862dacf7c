/** Where the reader is, as the fragment of the address: it can be shared, and the browser can go back to it. */

export const tabs = ["actors", "calls", "waits", "timeline", "events", "nodes", "failed"] as const
export type Tab = (typeof tabs)[number]

/** What the panel shows: a group of instances (by actor, or by the name of their place), one instance, or a trace. */
export type Selection = { readonly actor: string } | { readonly instance: number } | { readonly trace: string }

export interface Place {
  readonly tab: Tab
  readonly selection: Selection | undefined
}

export const addressOf = ({ selection, tab }: Place): string => {
  if (selection === undefined) return `#/${tab}`
  if ("actor" in selection) return `#/${tab}/actor/${encodeURIComponent(selection.actor)}`
  return "trace" in selection ? `#/${tab}/trace/${selection.trace}` : `#/${tab}/instance/${selection.instance}`
}

export const placeAt = (address: string): Place => {
  const [, where, what, which] = address.split("/")
  return { tab: tabs.find((one) => one === where) ?? "actors", selection: selectionAt(what, which) }
}

const selectionAt = (what: string | undefined, which: string | undefined): Selection | undefined => {
  const id = Number(which)
  if (what === "actor" && which) return { actor: decodeURIComponent(which) }
  if (what === "trace" && /^[0-9a-f]+$/i.test(which ?? "")) return { trace: which! }
  return what === "instance" && Number.isInteger(id) ? { instance: id } : undefined
}
