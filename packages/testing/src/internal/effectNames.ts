/** What Effect calls the parts of a fiber that only `effectInternals.ts` knows. Tests put other names in their place. */

/** The fiber that forked it, until it ends. */
export const PARENT = "_parent"
/** Whether it is on the JavaScript stack. */
export const RUNNING = "_running"
/** Why it was interrupted, if it was. */
export const INTERRUPTED = "_interruptedCause"
/** How the iterator of an effect is asked for what a generator yields. */
export const NEXT = "next"
