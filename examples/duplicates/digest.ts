import { createHash } from "node:crypto"
import { closeSync, openSync, readSync } from "node:fs"
import { Task } from "@troupe/core"
import { Effect, Schema } from "effect"

export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { reason: Schema.String }) {}

/** The SHA-256 of a file. It keeps its thread busy from beginning to end, so it runs on a worker thread. */
export const digest = Task.make(
  "digest",
  (file: string) =>
    Effect.acquireUseRelease(
      attempt(() => openSync(file, "r")),
      (descriptor) => attempt(() => hashAll(descriptor)),
      (descriptor) => Effect.sync(() => closeSync(descriptor))
    ),
  // Failures come back from the thread as instances of this class.
  { error: Unreadable }
)

/** A megabyte at a time, since a film need not fit into memory. */
const hashAll = (descriptor: number): string => {
  const hash = createHash("sha256")
  const chunk = new Uint8Array(1_000_000)
  for (;;) {
    const length = readSync(descriptor, chunk)
    if (length === 0) return hash.digest("hex")
    hash.update(chunk.subarray(0, length))
  }
}

const attempt = <A>(action: () => A) =>
  Effect.try({
    try: action,
    catch: (error) => new Unreadable({ reason: error instanceof Error ? error.message : String(error) })
  })
