/**
 * What requests say besides their payload. The other headers are those that the user of the client sends.
 */

/** What travels with a call: carried references, log annotations, how much time is left. */
export const BAGGAGE = "troupe-baggage"
/** The caller does not wait for the call: it was submitted with `.remote`. For spans. */
export const REMOTE = "troupe-remote"
