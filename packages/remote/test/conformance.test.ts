import { describe } from "vitest"
import { guardedSuite } from "../../core/test/conformance/guarded.ts"
import { suite } from "../../core/test/conformance/suite.ts"
import { over } from "./conformanceServers.ts"

describe("10.1 the conformance suite, over a WebSocket", () => {
  const { box, desk, guarded } = over("websocket")
  suite({
    name: "a server, over a WebSocket",
    desk,
    box,
    // Each has a line in docs/remote.md, "What differs from one process".
    without: [
      "2.4 resize starts waiting calls",
      "6.3 kill interrupts running calls, and fails those that wait",
      "6.8 a call runs again after a failure, if it says so",
      "6.9 watch tells of an end that nobody here has asked for",
      "7.2 stop ends the instance of a key, and the next call makes it again"
    ]
  })
  guardedSuite(guarded)
})
