/**
 * What this process and the server agree on, actor by actor: a call that the server does not expose, or has in a version
 * that does not understand ours, is not sent.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as ContractShape from "@troupe/core/ContractShape"
import { mismatched, notExposed, type Subject } from "../wire/failure.ts"
import type { Hello, Told } from "../wire/hello.ts"
import type { Wire } from "../wire/wire.ts"

/** The contract of an actor, as the server has it. */
type Contract = ContractShape.ContractShape | "same" | "asked"

export class Agreement {
  /** What the server has said. One that is not ours says nothing, and is taken at its word. */
  private hello: Hello | undefined = undefined
  private readonly contracts = new Map<string, Contract>()
  private readonly server: string

  constructor(server: string) {
    this.server = server
  }

  /** The server has said hello, or the connection is lost: the next one may be to another version. */
  greeted(hello: Hello | undefined): void {
    this.hello = hello
    this.contracts.clear()
  }

  /** A limit of the server, if it tells it. */
  most(limit: Told): number {
    return this.hello?.limits?.[limit] ?? Infinity
  }

  /** Whether calls of an actor can be judged, or its contract has to be asked for first, or was. */
  stateOf(wire: Wire): "known" | "ask" | "asked" {
    const greeting = this.greetingOf(wire)
    if (greeting === undefined) return "known"
    const contract = this.contracts.get(wire.actor)
    if (contract !== undefined) return contract === "asked" ? "asked" : "known"
    const isSame = ContractShape.hash(wire.shape()) === greeting.contract
    this.contracts.set(wire.actor, isSame ? "same" : "asked")
    return isSame ? "known" : "ask"
  }

  /** The contract that was asked for has come. Where it has not, calls are sent, and the server refuses what it cannot read. */
  learned(actor: string, contract: ContractShape.ContractShape | undefined): void {
    this.contracts.set(actor, contract ?? "same")
  }

  /** Why a call cannot be sent, if it cannot. */
  refusal(wire: Wire, subject: Subject): ActorError | undefined {
    if (this.hello === undefined) return undefined
    const greeting = this.greetingOf(wire)
    if (greeting === undefined) return notExposed(subject)
    const contract = this.contracts.get(wire.actor)
    const mismatch = typeof contract === "object" && ContractShape.mismatch(wire.shape(), contract, subject.method)
    if (mismatch) return mismatched(subject, `the server at ${this.server}`, mismatch)
    return greeting.exposed.includes(subject.method) ? undefined : notExposed(subject)
  }

  private greetingOf({ actor }: Wire) {
    const { hello } = this
    return hello !== undefined && Object.hasOwn(hello.actors, actor) ? hello.actors[actor] : undefined
  }
}
