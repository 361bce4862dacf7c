import { Actor } from "@troupe/core"
import { Schema } from "effect"

export class NotFormatted extends Schema.TaggedError<NotFormatted>()("NotFormatted", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

export class Formatter extends Actor.Service<Formatter>()("examples/Formatter", {
  methods: { format: Actor.method({ args: [Schema.String], success: Schema.String, error: NotFormatted }) }
}) {}
