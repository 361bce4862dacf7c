/**
 * Where the instances of an actor are, for people who look at this process.
 */
import type * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Held } from "../base/held.ts"
import { Entity, EntityId, ShardId, Sharding } from "../engine.ts"
import { nameOf } from "../net/address.ts"
import { CurrentLocks } from "../node/locks.ts"
import type { Wire } from "../wire/wire.ts"

type Facts = ReturnType<Home.Link["describe"]>

const MAX_SHOWN = 5

/** The keys of one actor that this node has. */
export class Residence implements Home.Residence {
  private readonly actor: string
  private readonly facts = new Map<unknown, Facts>()
  /** How the keys are written. Keys may be anything, also what cannot be shown. */
  private readonly ids = new Map<string, Facts>()
  private readonly confirms = new Map<unknown, Effect.Effect<boolean, unknown>>()

  constructor(actor: string) {
    this.actor = actor
  }

  /** A key is here until the Scope of its entity closes. Its instance has the very same key. */
  readonly admit = (
    key: unknown
  ): Effect.Effect<void, never, Entity.CurrentAddress | Entity.CurrentRunnerAddress | Scope.Scope> =>
    Effect.gen({ self: this }, function* () {
      const address = yield* Entity.CurrentRunnerAddress
      const { entityId, shardId } = yield* Entity.CurrentAddress
      const facts = { kind: "cluster", node: nameOf(address), shard: ShardId.toString(shardId) }
      this.facts.set(key, facts)
      this.ids.set(entityId, facts)
      const locks = yield* CurrentLocks
      const confirmed =
        locks === undefined
          ? Effect.succeed(true)
          : Effect.map(locks.confirm(address, [shardId]), (held) => held.includes(shardId))
      this.confirms.set(key, confirmed)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (this.facts.get(key) === facts) this.facts.delete(key)
          if (this.ids.get(entityId) === facts) this.ids.delete(entityId)
          if (this.confirms.get(key) === confirmed) this.confirms.delete(key)
        })
      )
    })

  /** What is not ours, an instance that has its actor from elsewhere, is not in the cluster. A key that left is not here. */
  readonly held: Held = (actor, key) =>
    actor === this.actor ? (this.confirms.get(key) ?? Effect.succeed(false)) : Effect.succeed(true)

  /** Which keys are here, for people. */
  describeAll(): string {
    const some = [...this.ids.keys()].slice(0, MAX_SHOWN)
    const more = this.ids.size - some.length
    if (some.length === 0) return `what ${this.actor} was made of`
    return `${this.actor}(${some.join(", ")})${more === 0 ? "" : ` and ${more} more`}`
  }

  describe(actor: string, key: unknown): Facts | undefined {
    return actor === this.actor ? this.facts.get(key) : undefined
  }
}

/** Which shard the instance of a key is in. Which node has that shard just now is not known to a process that calls it. */
export const ofClients = (wire: Wire): Effect.Effect<Home.Residence, never, Sharding.Sharding> =>
  Effect.map(Sharding.Sharding, (sharding) => ({
    client: true,
    describe: (actor, key) => {
      const written = wire.writeKey(key)
      if (actor !== wire.actor || written._tag === "Failure") return undefined
      const id = EntityId.make(written.success)
      const shard = sharding.getShardId(id, wire.entity.getShardGroup(id))
      return { kind: "cluster", role: "caller", shard: ShardId.toString(shard) }
    }
  }))
