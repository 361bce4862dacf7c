// The thread.
import { createHash } from "node:crypto"
import { isMainThread } from "node:worker_threads"
import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Hasher } from "./Hasher.js"

const HasherLive = Hasher.toLayer(
  Effect.succeed({
    hash: (text) =>
      Effect.sync(() => `${isMainThread ? "main" : "thread"} ${createHash("md5").update(text).digest("hex")}`)
  })
)

WorkerHome.serve(Hasher, HasherLive)
