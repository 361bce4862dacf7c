/** The contract of an actor on a worker thread: the page shows its thread, and how late its event loop is. */
import { Actor } from "@troupe/core"
import { Schema } from "effect"

export class Thumbnails extends Actor.Service<Thumbnails>()("shop/Thumbnails", {
  methods: {
    /** Makes a thumbnail of a picture, and returns its size in bytes. */
    shrink: Actor.method({ args: [Schema.String, Schema.Int], success: Schema.Int })
  }
}) {}
