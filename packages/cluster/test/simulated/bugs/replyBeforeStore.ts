// A note is answered before it is stored. The node dies in between, and what was acknowledged is lost.
import { ClusterHome, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class Note extends Actor.Keyed<Note>()("bugs/Note", {
  key: Schema.String,
  methods: { write: Actor.method({ args: [Schema.String] }), read: Actor.method({ success: Schema.String }) }
}) {}

const program = (storedFirst: boolean) =>
  Effect.gen(function* () {
    const NoteLive = Note.toLayer(
      Effect.fnUntraced(function* () {
        const text = yield* DurableState.make(Schema.String, { initial: "" })
        const write = (value: string) => Effect.orDie(text.set(value))
        return Note.of({
          write: storedFirst ? write : (value) => Effect.asVoid(Effect.forkDetach(write(value))),
          read: () => Effect.orDie(text.refresh)
        })
      }, Effect.orDie)
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Note, NoteLive).pipe(Layer.provide(DurableState.layer)),
      client: ClusterHome.client(Note),
      faults: { kills: 1 }
    })
    const note = Note.get("a")
    const acknowledged = yield* cluster.run(Effect.isSuccess(Effect.flatMap(note, (note) => note.write("milk"))))
    yield* cluster.settled()
    // A call that failed may have been stored or not.
    if (!acknowledged) return
    expected("the note", yield* cluster.run(Effect.flatMap(note, (note) => note.read())), "milk")
  })

export const replyBeforeStore: Bug = {
  name: "a reply before its store",
  broken: program(false),
  fixed: program(true),
  within: 400
}
