/** Numbers and times for people. */
export * from "../../src/internal/base/units.ts"

/** A time of day. */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })
