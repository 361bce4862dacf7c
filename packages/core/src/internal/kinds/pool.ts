/**
 * A pool is an actor whose one method runs work on a member: queueing, limits, refs and cancellation are the cell's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { PoolOptions } from "../../ActorPool.ts"
import { callUsers } from "../base/errors.ts"
import { isEffect, kindOf, noEffect } from "../base/evaluable.ts"
import * as options from "../base/options.ts"
import { current, within } from "../call/currentCall.ts"
import * as deadlock from "../call/deadlock.ts"
import { Ask } from "../handle/ask.ts"
import { makeMethod } from "../handle/handle.ts"
import { Cell } from "../instance/cell.ts"
import { registryIn } from "../instance/registry.ts"
import { Members, type Work } from "./members.ts"
import { Places, restartOf } from "./places.ts"
import { singleMethod } from "./task.ts"

/** What the work does on a member. From untyped code it may be anything. */
const begin = (work: Work, member: object): Effect.Effect<any, any> => {
  if (typeof work !== "function") return Effect.die(new TypeError(`ActorPool: ${NEEDS_WORK}, but got ${kindOf(work)}`))
  try {
    const effect: unknown = callUsers(work, [member])
    if (isEffect(effect)) return effect
    return Effect.die(new TypeError(`ActorPool: work must return an Effect, but returned ${noEffect(effect)}`))
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** Work runs as if its submitter ran it, in the submitter's own context and Scope. */
const asSubmitter = (work: Work) => (member: object) => {
  const effect = begin(work, member)
  if (effect instanceof Ask) return effect
  return Effect.updateContext(effect, (context) => {
    const call = current(context)!
    return within(call.context, call)
  }) as Effect.Effect<any, any>
}

const NEEDS_WORK = "work must be a function of a member, like (member) => member.method(...)"

/** Items in an array, another Iterable or a Stream. */
const toStream = (items: any): Stream.Stream<unknown, any, any> => {
  if (Stream.isStream(items)) return items
  if (typeof items?.[Symbol.iterator] === "function")
    return Stream.fromIterable(items as Iterable<unknown>, { chunkSize: 1 })
  throw new TypeError(`ActorPool: map takes items in an array, an Iterable or a Stream, but got ${kindOf(items)}`)
}

export const make = Effect.fnUntraced(function* (input: PoolOptions<object, any, Scope.Scope>) {
  options.onlyKnown("ActorPool", input, { spawn: true, size: true, callsPerMember: true, onDeath: true, restart: true })
  const size = options.size("ActorPool", "size", input.size)
  const perMember = options.limit("ActorPool", "callsPerMember", input.callsPerMember ?? 1)
  const restart = restartOf(input)
  if (!isEffect(input.spawn)) {
    throw new TypeError(`ActorPool: spawn must be an Effect, like Counter.spawn(), but is ${kindOf(input.spawn)}`)
  }
  deadlock.install()
  const members = new Members(perMember, size)
  const implementation = { run: (work: Work) => members.run(asSubmitter(work)) }
  const normalized = options.normalize("ActorPool", { maxConcurrency: size * perMember }, options.ofTasks)
  const context = yield* Effect.context<Scope.Scope>()
  const registry = registryIn<Cell>(context)
  // What was made ends with the Scope, even if its maker is interrupted meanwhile.
  const places = yield* Effect.acquireRelease(
    Effect.suspend(() => {
      const cell = new Cell("ActorPool", Effect.succeed(implementation), normalized, Context.empty(), { registry })
      return Effect.as(cell.life.boot(identity), new Places(members, cell, input, restart, context))
    }),
    (places) => places.shutdown(Context.get(context, Scope.Scope))
  )
  for (let place = 0; place < size; place++) yield* places.start()
  const run: any = makeMethod({ line: () => places.cell.main }, singleMethod("ActorPool", normalized))
  const map =
    (unordered: boolean) => (items: any, work: (member: object, item: unknown) => Effect.Effect<any, any>) => {
      if (typeof work !== "function") throw new TypeError(`ActorPool: map: ${NEEDS_WORK}, but got ${kindOf(work)}`)
      return Stream.mapEffect(
        toStream(items),
        (item) => run((member: object) => work(member, item)) as Effect.Effect<any, any>,
        { concurrency: size * perMember, unordered }
      )
    }
  return {
    run,
    remote: run.remote,
    map: map(false),
    mapUnordered: map(true),
    members: Effect.sync(() => members.living().map(({ handle }) => handle))
  }
})
