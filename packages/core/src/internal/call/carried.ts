/**
 * Calls that a home beyond this process carries out: they need no fiber here.
 */
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type * as Home from "../../Home.ts"
import { shared } from "../base/copies.ts"
import { Evaluable } from "../base/evaluable.ts"
import type { Call, Instance } from "./call.ts"

/** Where an instance that lives here for others is asked where it is. */
export const Residence = Context.Reference<Home.Residence | undefined>("troupe/Residence", {
  defaultValue: () => undefined
})

/** Whether an instance that is made in this context only carries calls to one that lives, and is counted, elsewhere. */
export const isClient = (context: Context.Context<never>): boolean => Context.get(context, Residence)?.client === true

/**
 * The actor whose instances are made in this context for calls to instances elsewhere. The first calls of a key come before
 * its constructor has told of its home.
 */
export const Elsewhere = Context.Reference<string | undefined>("troupe/Elsewhere", { defaultValue: () => undefined })

/** Whether a home takes the calls of an instance to where it lives. */
export const isElsewhere = ({ context, home, id }: Instance): boolean =>
  home !== undefined || isClient(context) || Context.get(context, Elsewhere) === id

/** Whether a call that a home brings here was submitted with `.remote` where it comes from. */
export const SubmittedRemotely = /* @__PURE__ */ Context.Reference<boolean>("troupe/SubmittedRemotely", {
  defaultValue: () => false
})

/** The work of one call, done somewhere else. */
export abstract class OwnCarried extends Evaluable {
  /** Sends the call on its way. Its end is reported with {@link report}, now or later, exactly once. */
  abstract start(call: Call): void
  /** Asks for an early end. The end is reported all the same. */
  abstract interruptUnsafe(): void

  evaluate(): Exit.Exit<never> {
    return Exit.die(new TypeError("Only the instance that a carried call was submitted to can run it"))
  }
}

export const Carried = /* @__PURE__ */ shared("Carried", OwnCarried)
export type Carried = OwnCarried
