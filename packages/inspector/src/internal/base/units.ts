/** Numbers and lengths of time, written alike on the page and in the terminal. */

/** `340 µs`, `4.2 ms`, `148 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `5 d 3 h`. */
export const duration = (millis: number): string => {
  if (!(millis >= 0.0005)) return "0 ms"
  // Each is rounded before it is compared: otherwise 9.96 ms would be 10.0 ms, and 59.96 s 60.0 s.
  if (millis < 0.9995) return `${Math.max(1, Math.round(millis * 1000))} µs`
  if (millis < 9.95) return `${millis.toFixed(1)} ms`
  if (millis < 999.5) return `${Math.round(millis)} ms`
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.max(60, Math.floor(millis / 1000))
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** At most five characters: `9,999`, `10.0k`, `123k`, `4.5M`. */
export const count = (n: number): string => {
  if (n < 9999.5) return exact(Math.round(n))
  const unit = n < 999_500 ? "k" : n < 999_500_000 ? "M" : "G"
  const scaled = n / { k: 1e3, M: 1e6, G: 1e9 }[unit]
  return `${scaled.toFixed(scaled < 99.95 ? 1 : 0)}${unit}`
}

/** All digits of a number. */
export const exact = (n: number): string => n.toLocaleString("en-US")

/** A number per second: small ones have a decimal. */
export const rate = (n: number): string => (n > 0 && n < 9.95 ? n.toFixed(1) : count(n))

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`
