/**
 * The contracts of the actors that the conformance suite calls. Tests and homes import them; what implements them is in
 * `live.ts`, which runs where the actor lives. Tests hold calls and look at what happened by calls, never by shared memory.
 */
import { Actor, Carried } from "@troupe/core"
import { Schema } from "effect"

export class Overflow extends Schema.TaggedError<Overflow>()("Overflow", {
  at: Schema.Number,
  when: Schema.Date,
  note: Schema.Option(Schema.String)
}) {}

export class Point extends Schema.Class<Point>("conformance/Point")({ x: Schema.Number, y: Schema.Number }) {
  get length(): number {
    return Math.hypot(this.x, this.y)
  }
}

export const Values = Schema.Struct({
  point: Point,
  maybe: Schema.Option(Schema.Number),
  wait: Schema.Duration,
  when: Schema.Date,
  text: Schema.optionalKey(Schema.String)
})

/** Who a request is for. */
export const Tenant = Carried.Reference("conformance/Tenant", {
  schema: Schema.Struct({ name: Schema.String, since: Schema.Date }),
  defaultValue: () => ({ name: "nobody", since: new Date(0) })
})

/** What a method has of its caller, besides its arguments. */
export const Surroundings = Schema.Struct({
  tenant: Tenant.schema,
  annotations: Schema.Record(Schema.String, Schema.Unknown),
  /** In milliseconds. */
  left: Schema.NullOr(Schema.Number)
})

const text = [Schema.String] as const

export const methods = {
  add: Actor.method({ args: [Schema.Number, Schema.Number], success: Schema.Number }),
  /** Of two numbers, of which the second is 10 unless it is given. */
  sum: Actor.method({ args: [Schema.Number, Schema.optional(Schema.Number)], success: Schema.Number }),
  values: Actor.method({ args: [Values], success: Values }),
  /** Notes that it was called. */
  note: Actor.method({ args: text }),
  /** Counts for as long as the instance lives. */
  count: Actor.method({ success: Schema.Number }),
  /** Notes "id start", waits until `open(id)`, notes "id end"; if it ends in another way, "id cut". */
  work: Actor.method({ args: text, success: Schema.String }),
  /** The same, and in the group "io" where there is one. */
  io: Actor.method({ args: text, success: Schema.String }),
  /** The same, and cannot be interrupted. */
  stubborn: Actor.method({ args: text, success: Schema.String }),
  /** Waits for ever. When it is interrupted, its finalizer takes some turns and then notes "id tidy". */
  tidy: Actor.method({ args: text }),
  /** Waits for `work(id)` of an actor of its own. */
  nested: Actor.method({ args: text, success: Schema.String }),
  /** What it has of its caller, and what an actor has that it calls. */
  surroundings: Actor.method({ success: Schema.Tuple([Surroundings, Surroundings]) }),
  /** The same, for a stream. */
  surroundingsOfStream: Actor.method({ success: Surroundings, stream: true }),
  fail: Actor.method({ args: [Schema.Number], error: Overflow }),
  die: Actor.method({ args: text }),
  /** Fails so many times, then succeeds with the number of times it was run. */
  moody: Actor.method({ args: [Schema.String, Schema.Number], success: Schema.Number, error: Overflow }),
  /** The same, with defects. */
  shaky: Actor.method({ args: [Schema.String, Schema.Number], success: Schema.Number }),
  exit: Actor.method(),
  /** Says that it gives a number, and gives something else. */
  misfit: Actor.method({ success: Schema.Number }),
  /** The numbers from 1, and a failure after the last. */
  ticks: Actor.method({ args: [Schema.Number], success: Schema.Number, error: Overflow, stream: true }),
  /** Notes "id made n" for each item, and "id over" at its end. */
  endless: Actor.method({ args: text, success: Schema.Number, stream: true }),
  /** What `post` publishes. The last item is replayed. */
  posts: Actor.subscription({ item: Schema.Struct({ at: Schema.Date, text: Schema.String }) }),
  post: Actor.method({ args: text }),
  /** How many readers there are. */
  readers: Actor.method({ success: Schema.Number }),
  /** Lets `work(id)` end. */
  open: Actor.method({ args: text }),
  /** Waits until `work(id)` has started. */
  started: Actor.method({ args: text }),
  /** What was noted by ids that start so. */
  log: Actor.method({ args: text, success: Schema.Array(Schema.String) })
}

export class Desk extends Actor.Service<Desk>()("conformance/Desk", { methods }) {}

export class Box extends Actor.Keyed<Box>()("conformance/Box", { key: Schema.String, methods }) {}
