/**
 * The run-time object behind every `ObjectRef`: an Effect, a Deferred and a thenable in one, settled exactly once.
 *
 * Waiters are plain callbacks that take the exit, as those of a Deferred are, so that `Deferred.await`, a `then` and a
 * fiber of ours all wait in one list.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as asyncContext from "../base/asyncContext.ts"
import { shared, stranger, VersionKey } from "../base/copies.ts"
import { actAsDeferred } from "../base/effectInternals.ts"
import { reject } from "../base/errorStack.ts"
import { Evaluable } from "../base/evaluable.ts"
import { attempt, errorText, isInstance, show } from "../base/show.ts"
import * as stack from "../base/stack.ts"
import { version } from "../base/version.ts"
import * as unobserved from "./unobserved.ts"

export const TypeId = "~troupe/ObjectRef"

export type Observer = (exit: Exit.Exit<any, any>) => void

/** Waits, and does nothing with the result. */
const handled: Observer = () => {}

/** What a promise is resolved with. */
const settled = (exit: Exit.Exit<any, any>): unknown =>
  exit._tag === "Success" ? exit.value : reject(Cause.squash(exit.cause))

interface Waiters extends Array<Observer> {
  /** Who waits, too, once there are many: those can leave in constant time. */
  crowd?: Set<Observer> | undefined
}

/** Up to here a list of waiters is smaller and faster than a set. */
const FEW = 16

let lastId = 0

export class OwnRef extends Evaluable {
  declare readonly id: number
  /** How this ref settled, once it has. */
  declare exit: Exit.Exit<any, any> | undefined
  /** Who waits. */
  declare waiters: Waiters | undefined
  /** How many of those who wait are calls. */
  declare dependents: number

  declare readonly [TypeId]: typeof TypeId
  /** As an argument it stands for its value. */
  declare readonly isUnready: true

  /** Here, and not as fields: see {@link Evaluable}. */
  constructor() {
    super()
    this.id = ++lastId
    this.exit = undefined
    this.waiters = undefined
    this.dependents = 0
  }

  settle(exit: Exit.Exit<any, any>): boolean {
    if (this.exit !== undefined) return false
    this.exit = exit
    const { waiters } = this
    this.waiters = undefined
    if (waiters !== undefined && waiters.length > 0)
      stack.notify(waiters.crowd === undefined ? waiters : [...waiters, ...waiters.crowd], exit)
    else if (exit._tag === "Failure") unobserved.watch(this, exit.cause)
    return true
  }

  /** Calls back at once when settled already. */
  observe(observer: Observer): void {
    if (this.exit !== undefined) return observer(this.look()!)
    if (this.waiters === undefined) this.waiters = [observer]
    else if (this.waiters.length < FEW) this.waiters.push(observer)
    else {
      this.waiters.crowd ??= new Set()
      this.waiters.crowd.add(observer)
    }
  }

  unobserve(observer: Observer): void {
    const { waiters } = this
    if (waiters === undefined || waiters.crowd?.delete(observer)) return
    const index = waiters.lastIndexOf(observer)
    if (index >= 0) waiters.splice(index, 1)
  }

  /** Should it fail, that needs no report: a caller waited for it together with others, and had the answer before. */
  markHandled(): void {
    if (this.exit !== undefined) this.look()
    else if (!this.waiters?.includes(handled)) this.observe(handled)
  }

  /** The exit, if there is one, as a caller sees it: a failure that was looked at needs no report. */
  look(): Exit.Exit<any, any> | undefined {
    const { exit } = this
    if (exit !== undefined && exit._tag === "Failure") this.handled()
    return exit
  }

  /** Its failure needs no report. */
  protected handled(): void {
    unobserved.forget(this)
  }

  evaluate(): Effect.Effect<any, any> {
    return this.wait()
  }

  /** Waits for the value. Interrupting the waiter disturbs no other. */
  wait(): Effect.Effect<any, any> {
    if (this.exit !== undefined) return this.look()!
    return Effect.callback((resume) => {
      const observer = asyncContext.bindResume(resume)
      this.observe(observer)
      return Effect.sync(() => this.unobserve(observer))
    })
  }

  then(onValue?: ((value: any) => any) | null, onError?: ((error: unknown) => any) | null): Promise<any> {
    return this.promise().then(onValue, onError)
  }

  catch(onError?: ((error: unknown) => any) | null): Promise<any> {
    return this.promise().catch(onError)
  }

  finally(onEnd?: (() => void) | null): Promise<any> {
    return this.promise().finally(onEnd)
  }

  promise(): Promise<any> {
    const exit = this.look()
    // No executor and no callback where none is needed: that is half of what an `await` of a ref costs.
    if (exit !== undefined) return Promise.resolve(settled(exit))
    return new Promise((resolve) => {
      this.observe((exit) => resolve(settled(exit)))
    })
  }

  /** Where the value comes from, for people. */
  get origin(): string {
    return ""
  }

  /** What its failure is reported together with, if it is never looked at. */
  get kind(): string {
    return ""
  }

  /** What React's `use` reads of a thenable, so that it need not wait for one that has settled. */
  get status(): "pending" | "fulfilled" | "rejected" {
    if (this.exit === undefined) return "pending"
    return this.exit._tag === "Success" ? "fulfilled" : "rejected"
  }

  get value(): unknown {
    return this.exit?._tag === "Success" ? this.exit.value : undefined
  }

  get reason(): unknown {
    const exit = this.look()
    return exit?._tag === "Failure" ? Cause.squash(exit.cause) : undefined
  }

  /** How far it has come, for people. */
  get progress(): string {
    if (this.exit === undefined) return "pending"
    if (this.exit._tag === "Success") return "succeeded"
    return `failed with ${errorText(Cause.squash(this.exit.cause))}`
  }

  toJSON(): unknown {
    return { _id: "ObjectRef", id: this.id, status: this.progress }
  }

  override toString(): string {
    return `ObjectRef(#${this.id}${this.origin === "" ? "" : ` ${this.origin}`}, ${this.progress})`
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }

  /** Arithmetic would make `NaN` of it. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "number") throw new TypeError(`${this.toString()} is no number: yield* or await it to get its value`)
    return this.toString()
  }
}

Object.assign(OwnRef.prototype, {
  [TypeId]: TypeId,
  [VersionKey]: version,
  [Symbol.toStringTag]: "ObjectRef",
  isUnready: true
})
actAsDeferred(OwnRef.prototype)

export const Ref = /* @__PURE__ */ shared("Ref", OwnRef)
export type Ref = OwnRef

/** A Proxy may throw, and is no ref then. Spelled out here, since all arguments of all calls come by. */
export const isRef = (u: unknown): u is Ref => {
  try {
    return u instanceof Ref
  } catch {
    return false
  }
}

/** Untyped code may pass anything. */
export const checkRefs = (operation: string, refs: ReadonlyArray<unknown>): void => {
  if (!Array.isArray(refs)) throw notRefs(operation, "ObjectRefs in an array", refs)
  const other = refs.findIndex((ref) => !isRef(ref))
  if (other >= 0) throw notRefs(operation, "ObjectRefs", refs[other])
}

/** The refs in an array or a record. Anything else that has properties would be an empty record. */
export const refsIn = (operation: string, shape: unknown): ReadonlyArray<Ref> => {
  if (Array.isArray(shape)) return shape
  if (attempt(() => isRecord(shape as object)) === true) return Object.values(shape as object)
  throw notRefs(operation, "ObjectRefs in an array or a record", shape)
}

const isRecord = (shape: object): boolean =>
  typeof shape === "object" && !Effect.isEffect(shape) && !(Symbol.iterator in shape) && !("then" in shape)

const notRefs = (operation: string, what: string, got: unknown): TypeError =>
  new TypeError(`ObjectRef.${operation} takes ${what}, but got ${shown(got)}.${hintAt(operation, got)}`)

/** A call that has not run says so in its text, and here the hint does. */
const shown = (value: unknown): string => {
  if (isRef(value)) return "a single one"
  if (isInstance(value, Promise)) return "a Promise"
  return attempt(() => Effect.isEffect(value)) === true ? "an Effect" : show(value)
}

const hintAt = (operation: string, other: unknown): string => {
  if (isRef(other)) return " Put it in an array, or yield* it to wait for it alone."
  if (isInstance(other, Promise))
    return " An async function gives one even where it returns a ref: keep the ref itself, or use ObjectRef.fromPromise."
  const foreign = stranger(other)
  if (foreign !== undefined) return ` ${foreign}.`
  if (attempt(() => (other as any).isUnready) === true) return " A .remote(...) gives its ref when it runs: yield* it."
  if (attempt(() => Effect.isEffect(other))) return " An Effect is no ref: submit the call with .remote to get one."
  return operation === "cancel" ? " To end an actor, use Actor.stop or Actor.kill." : ""
}
