import { assert, describe, it } from "@effect/vitest"
import { diagnostics, hover } from "../../../core/test/types/hover.ts"

const source = `import { Actor, Contract } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Schema } from "effect"
class Full extends Schema.TaggedError<Full>()("Full", {}) {}
class Room extends Contract.Keyed<Room>()("app/Room", {
  key: Schema.String,
  methods: {
    say: Contract.method({ args: [Schema.String], success: Schema.Int, error: Full }),
    clear: Contract.method(),
    said: Contract.subscription({ item: Schema.String })
  }
}) {}
class Plain extends Actor.Service<Plain>()("app/Plain", { make: Effect.succeed({ hi: () => Effect.void }) }) {}
export const page = RemoteHome.client(Room, { url: "/actors" })
export const server = RemoteHome.serve(Room, { expose: ["say"] })
export const rooms = RemoteHome.group(Room, { expose: ["say"] })
export const state = RemoteHome.connection({ url: "/actors" })
`

describe("an editor", () => {
  it.each([
    ["const page", "const page: Layer<Room, never, never>"],
    ["const server", "const server: Layer<never, never, Room | HttpRouter>"],
    ["const state", "const state: Stream<RemoteHome.Connection, never, never>"]
  ])("shows %s", (marker, text) => {
    assert.deepStrictEqual(diagnostics(source), [])
    assert.strictEqual(hover(source, marker), text)
  })

  it("shows the rpcs of a group with their names", () => {
    assert.match(hover(source, "const rooms"), /"app\/Room\.say"/)
  })

  it.each([
    ['RemoteHome.serve(Room, { expose: ["sya"] })', /"sya"' is not assignable to type '"say" \| "clear" \| "said"'/],
    ['RemoteHome.group(Room, { expose: ["sya"] })', /"sya"' is not assignable to type '"say" \| "clear" \| "said"'/],
    [
      'RemoteHome.group(Room, { expose: ["say", "clear"], authorize: () => Effect.fail(new Full()) })',
      /"authorize must fail with an error of all exposed methods, or with RemoteHome\.deny.*ErrorUnknownTo<"clear">/
    ],
    [
      'RemoteHome.serve(Room, { expose: ["say", "clear", "said"], authorize: () => Effect.fail(new Full()) })',
      /a subscription has those of middleware.*ErrorUnknownTo<"clear" \| "said">/
    ],
    ['RemoteHome.client(Plain, { url: "/actors" })', /'methods' is missing in type 'typeof Plain'/],
    [
      'RemoteHome.client(Room, { url: "/actors", protocol: "ws" })',
      /"ws"' is not assignable to type '"websocket" \| "http"/
    ]
  ])("says what is wrong with %s", (mistake, message) => {
    const errors = diagnostics(source + mistake)
    assert.isAtLeast(errors.length, 1)
    assert.match(errors.map(({ message }) => message).join("\n"), message)
  })
})
