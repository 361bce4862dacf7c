import { Actor } from "@troupe/core"
import { Schema } from "effect"

/** The same five methods that every contender offers. */
export class Adder extends Actor.Service<Adder>()("bench/Adder", {
  methods: {
    add: Actor.method({ args: [Schema.Number, Schema.Number], success: Schema.Number }),
    burn: Actor.method({ args: [Schema.Number], success: Schema.Number }),
    digest: Actor.method({ args: [Schema.String], success: Schema.String }),
    /** Its bytes are copied, both ways; those of `echo` are moved. */
    copy: Actor.method({ args: [Schema.Uint8Array], success: Schema.Uint8Array }),
    echo: Actor.method({ args: [Schema.Uint8Array], success: Schema.Uint8Array })
  }
}) {}
