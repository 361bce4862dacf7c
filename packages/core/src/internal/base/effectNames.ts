/**
 * What Effect calls its insides. Nothing but the names is here, and only `effectInternals.ts` reads them: tests put other
 * names in their place, and see what becomes of us when Effect renames a part.
 */

/** On every Exit, and on no other effect. */
export const EXIT = "~effect/Exit"

/** On every effect: which operation it is, what that was made of, and how a fiber runs it. */
export const IDENTIFIER = "~effect/Effect/identifier"
export const ARGS = "~effect/Effect/args"
export const EVALUATE = "~effect/Effect/evaluate"

/** A printed cause leaves out a function of such a name, and what called it: the inside of a library. */
export const BELOW_USERS = "~effect/Effect/invoke"

/** Of a fiber: whether an interruption ends it now, its continuations, and what it has forked and ends with it. */
export const INTERRUPTIBLE = "interruptible"
export const STACK = "_stack"
export const CHILDREN = "_children"

/** Of the state of a Scope that is open, once it has several: its finalizers, each under a key. */
export const FINALIZERS = "finalizers"

/** Of a Deferred: what it was completed with, and the callbacks that wait for that. */
export const EFFECT = "effect"
export const RESUMES = "resumes"
