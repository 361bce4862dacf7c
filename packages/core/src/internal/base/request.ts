/**
 * Which request this is, on the one platform where that matters.
 *
 * On Cloudflare Workers, timers and I/O belong to the request in which they begin, and end with it; those of a Durable
 * Object belong to the object. Work that goes on in another request's timer or answer becomes part of that request.
 */

/** Something that belongs to a request. Only code of that request can look at it. */
export interface Mark {
  readonly aborted: boolean
}

const { AbortSignal, navigator } = globalThis as any

/** Whether the platform keeps requests apart. */
export const apart: boolean = navigator?.userAgent === "Cloudflare-Workers"

/** Where no request is: in the top level of a module. */
const outside: Mark = { aborted: false }

/** A mark of the present request. The platform does not name requests, but an `AbortSignal` is I/O to it. */
export const present = (): Mark => {
  try {
    return AbortSignal.abort()
  } catch {
    return outside
  }
}

/** Whether a mark is of the present request. */
export const isPresent = (mark: Mark | undefined): boolean => {
  if (mark === outside) return present() === outside
  try {
    return mark?.aborted === true
  } catch {
    return false
  }
}
