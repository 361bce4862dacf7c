/**
 * An actor whose calls a test holds as long as it wants.
 */
import { Actor, Broadcast } from "@troupe/core"
import { Effect, Exit, Latch, Schema, Stream } from "effect"

export class Full extends Schema.TaggedError<Full>()("Full", { room: Schema.String }) {}

export class Room extends Actor.Keyed<Room>()("test/Room", {
  key: Schema.String,
  methods: {
    /** Says how much has been said. */
    say: Actor.method({ args: [Schema.String], success: Schema.Int, error: Full }),
    history: Actor.method({ success: Schema.Array(Schema.String) }),
    /** Notes "begun", and waits until `release`. Notes "cut" if it is ended otherwise. */
    hold: Actor.method({ success: Schema.String }),
    count: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true }),
    changes: Actor.subscription({ item: Schema.String }),
    die: Actor.method({ args: [Schema.String] }),
    misfit: Actor.method({ success: Schema.Int }),
    secret: Actor.method({ success: Schema.String })
  }
}) {}

/** What the tests hold, and what the rooms have noted. */
export class Desk {
  readonly notes: Array<string> = []
  readonly gate = Latch.makeUnsafe()
  private readonly noted = new Map<string, Latch.Latch>()

  private latch(note: string): Latch.Latch {
    const latch = this.noted.get(note) ?? Latch.makeUnsafe()
    this.noted.set(note, latch)
    return latch
  }

  readonly note = (note: string): Effect.Effect<void> =>
    Effect.sync(() => {
      this.notes.push(note)
      this.latch(note).openUnsafe()
    })

  /** Waits until something is noted. */
  readonly has = (note: string): Effect.Effect<void> => Effect.suspend(() => this.latch(note).await)
}

const FULL = 100

export const roomLive = (desk: Desk) =>
  Room.toLayer((room) =>
    Effect.gen(function* () {
      yield* desk.note(`${room} made`)
      const said: Array<string> = []
      const changes = yield* Broadcast.make<string>({ replay: 1 })
      return Room.of({
        say: (text) =>
          Effect.suspend(() =>
            said.length >= FULL ? Effect.fail(new Full({ room })) : Effect.as(changes.publish(text), said.push(text))
          ),
        history: () => Effect.sync(() => [...said]),
        hold: () =>
          Effect.andThen(desk.note("begun"), Effect.as(desk.gate.await, "held")).pipe(
            Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : desk.note("cut")))
          ),
        count: (n) => Stream.range(1, n).pipe(Stream.rechunk(1), Stream.ensuring(desk.note("counted"))),
        changes,
        die: (why) => Effect.die(new RangeError(why)),
        misfit: () => Effect.succeed("no number" as any),
        secret: () => Effect.succeed("no")
      })
    })
  )

export const EXPOSED = ["say", "history", "hold", "count", "changes", "die", "misfit"] as const
