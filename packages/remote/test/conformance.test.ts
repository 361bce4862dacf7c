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
      "5.1 cancel tells what happened",
      "5.2 a method that finishes in an uninterruptible region keeps its true result",
      "6.3 kill interrupts running calls, and fails those that wait",
      "6.5 exit ends the instance",
      '6.6 onDefect: "stop" ends the instance, and says why',
      "6.7 when the schedule ends, the instance dies with the last cause",
      "6.8 a call runs again after a restart, as far as maxTaskRetries goes",
      "6.8 a call runs again after a failure, if it says so",
      // The server has a clock of its own here.
      "7.2 an instance without calls ends after idleTimeToLive, and is made again on demand",
      "7.2 stop ends the instance of a key, and the next call makes it again",
      "7.9 the end of the instance ends its readers with ActorDied",
      "9.3 a defect keeps its name, its message and the stack of where it was thrown"
    ]
  })
  guardedSuite(guarded)
})
