import { Actor } from "@troupe/core"
import { Schema } from "effect"

/** The methods that every contender offers in a browser. */
export class Echo extends Actor.Service<Echo>()("bench/Echo", {
  methods: {
    add: Actor.method({ args: [Schema.Number, Schema.Number], success: Schema.Number }),
    /** Its bytes are copied, both ways; those of `echo` are moved. */
    copy: Actor.method({ args: [Schema.Uint8Array], success: Schema.Uint8Array }),
    echo: Actor.method({ args: [Schema.Uint8Array], success: Schema.Uint8Array })
  }
}) {}
