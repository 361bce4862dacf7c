/** Numbers and times for people. */

export const count = (n: number): string => {
  if (n < 10_000) return Math.round(n).toLocaleString("en-US")
  return n < 1_000_000 ? `${short(n / 1000)}k` : `${short(n / 1_000_000)}M`
}

const short = (n: number): string => (n < 10 ? n.toFixed(1) : n < 100 ? n.toFixed(1).replace(/\.0$/, "") : n.toFixed(0))

/** Calls per second. */
export const rate = (n: number): string => (n === 0 ? "0" : n < 10 ? n.toFixed(1) : count(n))

/** A length of time, given in milliseconds. */
export const duration = (ms: number): string => {
  if (ms < 0.0005) return "0 ms"
  if (ms < 1) return `${Math.max(1, Math.round(ms * 1000))} µs`
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** A time of day. */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`
