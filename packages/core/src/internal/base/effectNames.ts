/**
 * What Effect calls its insides. Nothing but the names is here, and only `effectInternals.ts` reads them: tests put other
 * names in their place, and see what becomes of us when Effect renames a part.
 */
export const names = {
  /** On every Exit, and on nothing else. */
  exit: "~effect/Exit",
  /** On every effect: which operation it is, what that was made of, and how a fiber runs it. */
  identifier: "~effect/Effect/identifier",
  args: "~effect/Effect/args",
  evaluate: "~effect/Effect/evaluate",
  /** Of a fiber: whether an interruption ends it now, its continuations, and the fibers that end with it. */
  interruptible: "interruptible",
  stack: "_stack",
  children: "_children",
  /** Of a Deferred: what it was completed with, and the callbacks that wait for that. */
  effect: "effect",
  resumes: "resumes"
}
