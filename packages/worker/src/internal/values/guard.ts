/**
 * Looking at the values that users pass, fail with and throw. They may throw wherever they are touched: a getter, a Proxy, a
 * `toString`.
 */

/** The result of `look`, or `otherwise` if it throws. */
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

/** A thrown value in words for people: the message of an error. */
export const messageOf = (error: unknown): string => textOf(isError(error) ? partOf(error, "message") : error)

/** The same, after the name of the error. */
export const describe = (error: unknown): string =>
  isError(error) ? `${textOf(partOf(error, "name"))}: ${messageOf(error)}` : textOf(error)
