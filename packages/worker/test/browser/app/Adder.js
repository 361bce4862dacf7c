import { Actor } from "@troupe/core"
import { Schema } from "effect"

export class Adder extends Actor.Service()("test/Adder", {
  methods: { add: Actor.method({ args: [Schema.Number, Schema.Number], success: Schema.Number }) }
}) {}
