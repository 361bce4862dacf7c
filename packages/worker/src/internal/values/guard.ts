/**
 * Looking at what users pass, fail with and throw. It may throw wherever it is touched: a getter, a Proxy, a `toString`.
 */

/** What `look` finds, or `otherwise` where looking throws. */
export const attempt = <A, B>(look: () => A, otherwise: B): A | B => {
  try {
    return look()
  } catch {
    return otherwise
  }
}

const UNREADABLE = "(a value that throws when it is read)"

/** A value as text, whatever it is. */
export const textOf = (value: unknown): string => attempt(() => String(value), UNREADABLE)

export const isError = (value: unknown): value is Error => attempt(() => value instanceof Error, false)

/** A part of a value, or a text in its place if it throws. */
export const partOf = (value: object, key: string): unknown =>
  attempt(() => value[key as keyof typeof value] as unknown, UNREADABLE)

/** What was thrown, in words for people: the message of an error. */
export const messageOf = (error: unknown): string => textOf(isError(error) ? partOf(error, "message") : error)

/** The same with the name of the error. */
export const describe = (error: unknown): string =>
  isError(error) ? `${textOf(partOf(error, "name"))}: ${messageOf(error)}` : textOf(error)
