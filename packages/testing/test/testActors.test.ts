import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ObjectRef } from "@troupe/core"
import { TestActors } from "@troupe/testing"
import { Cause, Effect, Exit, Fiber, Latch, Layer, Scope } from "effect"

class Worker extends Actor.Service<Worker>()("test/Worker", {
  maxConcurrency: 2,
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["read"] } },
  make: (gate: Latch.Latch) =>
    Effect.succeed({ work: () => gate.await, read: () => gate.await, id: (n: number) => Effect.succeed(n) })
}) {}

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provide(TestActors.layer))

const busy = Effect.gen(function* () {
  const gate = yield* Latch.make()
  const worker = yield* Worker.spawn(gate)
  const refs: Array<ObjectRef.ObjectRef<void, unknown>> = []
  for (let i = 0; i < 5; i++) refs.push(yield* worker.work.remote())
  return { gate, worker, refs }
})

describe("latches", () => {
  it.live("wait until so many calls run, and until so many stand in line", () =>
    live(
      Effect.gen(function* () {
        const { gate, worker } = yield* busy
        yield* TestActors.running(worker, 2)
        yield* TestActors.waiting(worker, 3)
        yield* gate.open
        yield* TestActors.idle(worker)
        yield* TestActors.settled(worker, 5)
        assert.strictEqual((yield* TestActors.stateOf(worker)).settled.succeeded, 5)
      })
    )
  )

  it.live("count the calls of concurrency groups, too", () =>
    live(
      Effect.gen(function* () {
        const { gate, worker } = yield* busy
        yield* worker.read.remote()
        yield* TestActors.running(worker, 3)
        yield* gate.open
        yield* TestActors.idle(worker)
      })
    )
  )

  it.live("wait until the line is empty while calls run on", () =>
    live(
      Effect.gen(function* () {
        const { gate, refs, worker } = yield* busy
        yield* TestActors.waiting(worker, 3)
        const empty = yield* Effect.forkChild(TestActors.queueEmpty(worker))
        for (const ref of refs.slice(2)) yield* ObjectRef.cancel(ref)
        yield* Fiber.join(empty)
        assert.strictEqual((yield* TestActors.stateOf(worker)).permits.running, 2)
        yield* gate.open
        yield* TestActors.idle(worker)
      })
    )
  )

  it.live("fail when the instance dies and what they wait for cannot come", () =>
    live(
      Effect.gen(function* () {
        const { worker } = yield* busy
        const latch = yield* Effect.forkChild(Effect.exit(TestActors.running(worker, 3)))
        yield* TestActors.running(worker, 2)
        yield* Actor.kill(worker)
        const exit = yield* Fiber.join(latch)
        assert.include(String(exit), "will not run 3 calls: it is dead, it was killed")
      })
    )
  )

  it.live("can be given up", () =>
    live(
      Effect.gen(function* () {
        const { gate, worker } = yield* busy
        const latch = yield* Effect.forkChild(TestActors.idle(worker))
        yield* TestActors.running(worker, 2)
        yield* Fiber.interrupt(latch)
        yield* gate.open
        yield* TestActors.idle(worker)
      })
    )
  )

  it.live("know the resident of a key by its handle", () =>
    live(
      Effect.gen(function* () {
        class Room extends Actor.Keyed<Room>()("test/Room", {
          make: (_name: string) => Effect.succeed({ enter: () => Effect.void })
        }) {}
        yield* Effect.gen(function* () {
          const room = yield* Room.get("lobby")
          yield* room.enter()
          yield* TestActors.settled(room, 1)
        }).pipe(Effect.provide(Room.layer))
      })
    )
  )

  it.live("die when they get something that is no handle, or one of another system", () =>
    live(
      Effect.gen(function* () {
        const nothing = yield* Effect.exit(TestActors.idle({}))
        assert.include(String(nothing), "Not the handle of an actor")
        const { gate, worker } = yield* busy
        const other = yield* Effect.exit(Effect.provide(TestActors.idle(worker), ActorSystem.layer))
        assert.include(String(other), "is not among the instances of this ActorSystem")
        yield* gate.open
      })
    )
  )
})

describe("TestActors.layer", () => {
  it.live("dies when a test leaves instances behind, and names them", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const exit = yield* Effect.gen(function* () {
        const worker = yield* Scope.provide(Worker.spawn(yield* Latch.make()), scope)
        yield* worker.id(1)
      }).pipe(Effect.provide(TestActors.layer), Effect.exit)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.include(Cause.pretty(exit.cause), "Instances outlive their test: test/Worker (#")
      yield* Scope.close(scope, Exit.interrupt())
    })
  )

  it.live("gives each test names of its own", () =>
    Effect.gen(function* () {
      const named = Effect.flatMap(Latch.make(), (gate) => Worker.options({ name: "only one" }).spawn(gate))
      yield* live(Effect.andThen(named, live(named)))
    })
  )

  it("is a layer that needs nothing", () => assert.isTrue(Layer.isLayer(TestActors.layer)))
})
