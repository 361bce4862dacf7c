/** Actors to look at, and an inspector that looks at nothing but them. */
import { Actor, ActorSystem } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Context, Effect, type Latch, Layer, References, Schedule, type Scope } from "effect"
import type { Inspector as Service } from "../src/Inspector.ts"

/** Runs what it is told to, or waits until a test lets it go on. */
export class Worker extends Actor.Service<Worker>()("test/Worker", {
  maxConcurrency: 2,
  restart: Schedule.recurs(3),
  onDefect: "restart",
  shutdownTimeout: 0,
  concurrencyGroups: { slow: { maxConcurrency: 1, methods: ["slow"] } },
  make: Effect.succeed({
    echo: (text: string) => Effect.succeed(text),
    fail: (why: string) => Effect.fail(new Error(why)),
    die: (why: string) => Effect.die(new Error(why)),
    wait: (gate: Latch.Latch) => gate.await,
    slow: (gate: Latch.Latch) => gate.await,
    run: <E>(effect: Effect.Effect<unknown, E>) => effect
  })
}) {}

/** One permit: who waits in it for others may be waited for by them. */
export class Single extends Actor.Service<Single>()("test/Single", {
  maxConcurrency: 1,
  shutdownTimeout: 0,
  make: Effect.succeed({
    echo: (text: string) => Effect.succeed(text),
    run: <E>(effect: Effect.Effect<unknown, E>) => effect
  })
}) {}

/** Has room for two calls, and refuses the third. */
export class Tiny extends Actor.Service<Tiny>()("test/Tiny", {
  maxConcurrency: 1,
  maxPendingCalls: 2,
  overflow: "fail",
  shutdownTimeout: 0,
  make: Effect.succeed({ wait: (gate: Latch.Latch) => gate.await })
}) {}

export class Room extends Actor.Keyed<Room>()("test/Room", {
  idleTimeToLive: "1 hour",
  maxInstances: 100_000,
  shutdownTimeout: 0,
  make: (_key: string) => Effect.succeed({ greet: () => Effect.void, wait: (gate: Latch.Latch) => gate.await })
}) {}

/** A system of its own, so that instances of other tests are not in it. */
export const ownSystem: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = (effect) =>
  Effect.flatMap(ActorSystem.make, (system) => Effect.provideService(effect, ActorSystem.ActorSystem, system))

/** An inspector of the present system, for as long as the Scope is open. */
export const inspect = (
  options: Inspector.Options = {}
): Effect.Effect<Service["Service"], Inspector.ListenError, Scope.Scope> =>
  Effect.map(Layer.build(Inspector.layer({ port: 0, interval: "50 millis", ...options })), (context) =>
    Context.get(context, Inspector.Inspector)
  ).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))

/** Runs the promise of something that happens outside. */
export const promise = <A>(evaluate: () => Promise<A>): Effect.Effect<A> => Effect.promise(evaluate)
