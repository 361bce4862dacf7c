/**
 * Calls that a home beyond this process carries out: they need no fiber here.
 */
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type { Call } from "./call.ts"
import { Evaluable } from "./evaluable.ts"

/** What an instance knows of the home that its constructor made for it. */
export interface Link {
  /** For people: where the instance lives. */
  describe(): Readonly<Record<string, string | number | boolean>>
  /** The limit of a line has changed, or whatever else matters over there. */
  readonly pump?: Pump | undefined
}

/** Says where instances are that live here for others. Each asks the one in the context in which it was made. */
export interface Residence {
  describe(actor: string, key: unknown): ReturnType<Link["describe"]> | undefined
}

export const Residence = Context.Reference<Residence | undefined>("troupe/Residence", { defaultValue: () => undefined })

/** How a thread that blocks gets its results all the same. */
export interface Pump {
  /** Sends what waits to be sent. */
  flush(): void
  /** Blocks for at most so many milliseconds, then takes in what has arrived. Returns `false` when nothing ever will. */
  receive(milliseconds: number): boolean
}

/** The work of one call, done somewhere else. */
export abstract class Carried extends Evaluable {
  /** Sends the call on its way. Its end is reported with {@link report}, now or later, exactly once. */
  abstract start(call: Call): void
  /** Asks for an early end. The end is reported all the same. */
  abstract interruptUnsafe(): void

  evaluate(): Exit.Exit<never> {
    return Exit.die(new TypeError("A carried call is run by the instance that it was submitted to, and by nobody else"))
  }
}
