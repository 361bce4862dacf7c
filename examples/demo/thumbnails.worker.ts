/** The thread of `Thumbnails`. It really computes, so that its event loop lags. */
import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Thumbnails } from "./Thumbnails.ts"

const shrink = (picture: string, millis: number) =>
  Effect.sync(() => {
    const end = performance.now() + millis
    let size = picture.length
    while (performance.now() < end) size = (size * 31 + 7) % 65_521
    return size
  })

WorkerHome.serve(Thumbnails, Thumbnails.toLayer(Effect.succeed(Thumbnails.of({ shrink })), { maxConcurrency: 4 }))
