/**
 * What can go wrong with a durable state.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const fields = {
  /** The id of the actor, as given to `Actor.Keyed`. */
  actor: Schema.String,
  key: Schema.String
}

/**
 * Another instance of the key has started since, and only that one may write. Nothing was saved. The instance that
 * failed dies: its callers get `ActorDied`, and the next call of the key reaches the new instance.
 *
 * @category reasons
 * @since 0.1.0
 */
export class StateFenced extends Schema.TaggedError<StateFenced>()("StateFenced", {
  ...fields,
  /** The epoch of the instance that was refused. */
  epoch: Schema.Number,
  /** The epoch of the one that may write. */
  by: Schema.Number
}) {
  get mayHaveSaved(): boolean {
    return false
  }
  override get message(): string {
    return `${this.actor}(${this.key}): another instance has taken over (epoch ${this.by}, this one has ${this.epoch}). Nothing was saved, and this instance ends. Call again to reach the other one.`
  }
}

/**
 * Storage did not answer, or refused. The instance goes on; the next operation finds out first what is saved.
 *
 * @category reasons
 * @since 0.1.0
 */
export class StateUnavailable extends Schema.TaggedError<StateUnavailable>()("StateUnavailable", {
  ...fields,
  why: Schema.String,
  /** Whether the change may have been saved all the same. */
  mayHaveSaved: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const saved = this.mayHaveSaved
      ? "The change may have been saved: look before you repeat it."
      : "Nothing was changed: trying again is safe."
    return `${this.actor}(${this.key}): its durable state is unavailable, ${this.why}. ${saved}`
  }
}

/**
 * What is saved does not fit the schema. Nothing was changed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class StateUnreadable extends Schema.TaggedError<StateUnreadable>()("StateUnreadable", {
  ...fields,
  /** What does not fit, and how. */
  issue: Schema.String
}) {
  get mayHaveSaved(): boolean {
    return false
  }
  override get message(): string {
    return `${this.actor}(${this.key}): what is saved does not fit the schema: ${this.issue}. Let the schema accept what earlier versions saved, by defaults for new fields or a union with the old shape.`
  }
}

/**
 * The error of everything that has to do with storage. `reason` tells what happened.
 *
 * Put it into the `error` of a contract, or turn it into a defect with `Effect.orDie` where the caller cannot do anything about it.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableStateError extends Schema.TaggedError<DurableStateError>()("DurableStateError", {
  reason: Schema.Union([StateFenced, StateUnavailable, StateUnreadable])
}) {
  /** Whether the change may be in storage. When `false`, it certainly is not. */
  get mayHaveSaved(): boolean {
    return this.reason.mayHaveSaved
  }
  override get message(): string {
    return this.reason.message
  }
}
