// The contract, which both sides import.
import { Actor } from "@troupe/core"
import { Schema } from "effect"

export class Hasher extends Actor.Service()("app/Hasher", {
  methods: { hash: Actor.method({ args: [Schema.String], success: Schema.String }) }
}) {}
