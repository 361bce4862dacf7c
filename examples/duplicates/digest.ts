import { hash } from "node:crypto"
import { readFileSync } from "node:fs"
import { Task } from "@troupe/core"
import { Effect, Schema } from "effect"

export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { reason: Schema.String }) {}

/** The SHA-256 of a file. It keeps its thread busy from beginning to end, which is why it runs on a thread of its own. */
export const digest = Task.make("digest", (file: string) =>
  Effect.try({
    try: () => hash("sha256", readFileSync(file)),
    catch: (error) => new Unreadable({ reason: error instanceof Error ? error.message : String(error) })
  })
)
