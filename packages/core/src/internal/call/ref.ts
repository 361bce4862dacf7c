/**
 * The run-time object behind every `ObjectRef`: an Effect, a Deferred and a thenable in one, settled exactly once.
 *
 * Waiters are plain callbacks that take the exit, the same as Deferred keeps them, so that `Deferred.await`, a `then`
 * and a fiber of ours all wait in one list.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as asyncContext from "../base/asyncContext.ts"
import { Evaluable } from "../base/evaluable.ts"
import { attempt, errorText, isInstance, show } from "../base/show.ts"
import * as stack from "../base/stack.ts"
import * as unobserved from "./unobserved.ts"

export const TypeId = "~troupe/ObjectRef"
const DeferredTypeId = "~effect/Deferred"

export type Observer = (exit: Exit.Exit<any, any>) => void

/** Waits, and does not mind. */
const nobody: Observer = () => {}

interface Waiters extends Array<Observer> {
  /** Who waits, too, once there are many: those can leave in constant time. */
  crowd?: Set<Observer> | undefined
}

/** Up to here a list of waiters is smaller and faster than a set. */
const FEW = 16

let lastId = 0

export class Ref extends Evaluable {
  readonly id: number = ++lastId
  /** How this ref settled, once it has. */
  exit: Exit.Exit<any, any> | undefined = undefined
  /** Who waits. The name and the shape are Deferred's. */
  resumes: Waiters | undefined = undefined
  /** How many of those who wait are calls. */
  dependents = 0

  declare readonly [TypeId]: typeof TypeId
  /** As an argument it stands for its value. */
  declare readonly isUnready: true

  /**
   * What Deferred keeps its completion in. There is no setter: whoever tries to complete a ref through the Deferred
   * module dies with a TypeError, since only the runtime settles refs.
   */
  get effect(): Exit.Exit<any, any> | undefined {
    return this.look()
  }

  settle(exit: Exit.Exit<any, any>): boolean {
    if (this.exit !== undefined) return false
    this.exit = exit
    const { resumes } = this
    this.resumes = undefined
    if (resumes !== undefined && resumes.length > 0)
      stack.notify(resumes.crowd === undefined ? resumes : [...resumes, ...resumes.crowd], exit)
    else if (exit._tag === "Failure") unobserved.watch(this, exit.cause)
    return true
  }

  /** Calls back at once when settled already. */
  observe(observer: Observer): void {
    if (this.exit !== undefined) return observer(this.look()!)
    if (this.resumes === undefined) this.resumes = [observer]
    else if (this.resumes.length < FEW) this.resumes.push(observer)
    else {
      this.resumes.crowd ??= new Set()
      this.resumes.crowd.add(observer)
    }
  }

  unobserve(observer: Observer): void {
    const { resumes } = this
    if (resumes === undefined || resumes.crowd?.delete(observer)) return
    const index = resumes.lastIndexOf(observer)
    if (index >= 0) resumes.splice(index, 1)
  }

  /** Should it fail, that needs no report: somebody waited for it together with others, and had the answer before. */
  excuse(): void {
    if (this.exit !== undefined) this.look()
    else if (!this.resumes?.includes(nobody)) this.observe(nobody)
  }

  /** The exit, if there is one, as seen by somebody who cares: a failure that was looked at needs no report. */
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

  /** Waits for the value. Interrupting the waiter disturbs nobody else. */
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
    return new Promise((resolve, reject) => {
      this.observe((exit) => (exit._tag === "Success" ? resolve(exit.value) : reject(Cause.squash(exit.cause))))
    })
  }

  /** Where the value comes from, for people. */
  get origin(): string {
    return ""
  }

  /** What its failure is reported together with, if nobody looks at it. */
  get kind(): string {
    return ""
  }

  get status(): string {
    if (this.exit === undefined) return "pending"
    if (this.exit._tag === "Success") return "succeeded"
    return `failed with ${errorText(Cause.squash(this.exit.cause))}`
  }

  toJSON(): unknown {
    return { _id: "ObjectRef", id: this.id, status: this.status }
  }

  override toString(): string {
    return `ObjectRef(#${this.id}${this.origin === "" ? "" : ` ${this.origin}`}, ${this.status})`
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

Object.assign(Ref.prototype, {
  [TypeId]: TypeId,
  [Symbol.toStringTag]: "ObjectRef",
  isUnready: true,
  [DeferredTypeId]: { _A: identity, _E: identity }
})

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
  const other = refs.find((ref) => !isRef(ref))
  if (other === undefined && !refs.includes(undefined)) return
  const hint = isInstance(other, Promise)
    ? " A Promise is no ref, and an async function gives one even where it returns a ref: keep the ref itself, or use ObjectRef.fromPromise."
    : attempt(() => Effect.isEffect(other))
      ? " An Effect is no ref: submit the call with .remote to get one."
      : operation === "cancel"
        ? " To end an actor, use Actor.stop or Actor.kill."
        : ""
  throw new TypeError(`ObjectRef.${operation} takes ObjectRefs, but got ${show(other)}.${hint}`)
}
