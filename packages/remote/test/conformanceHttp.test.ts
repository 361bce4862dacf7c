import { describe } from "vitest"
import { guardedSuite } from "../../core/test/conformance/guarded.ts"
import { suite } from "../../core/test/conformance/suite.ts"
import { over } from "./conformanceServers.ts"

describe("10.1 the conformance suite, over HTTP", () => {
  const { box, desk, guarded } = over("http")
  suite({
    name: "a server, over HTTP",
    desk,
    box,
    // Each has a line in docs/remote.md, "What differs from one process".
    without: [
      "1.2 interrupting an asker cancels its call, and waits until its finalizers have run",
      "2.4 resize starts waiting calls",
      "2.7 a submission beyond maxPendingCalls fails, until there is room",
      "5.1 cancel tells what happened",
      "5.1 cancel returns when the finalizers of the call have finished",
      "5.2 a method that finishes in an uninterruptible region keeps its true result",
      "5.3 cancellation reaches the calls that the call made",
      "5.8 a signal cancels what runs, what waits, and what comes later",
      "6.3 kill interrupts running calls, and fails those that wait",
      "6.8 a call runs again after a failure, if it says so",
      "6.9 watch tells of an end that nobody here has asked for",
      "7.2 stop ends the instance of a key, and the next call makes it again",
      "7.5 a stream is pulled on demand, and ends when its consumer stops",
      "7.5 while its consumer is at work, a stream makes nothing",
      "7.5 with Stream.buffer({ capacity: 3 }) a stream is 4 to 6 items ahead",
      "7.5 with Stream.buffer({ capacity: 10 }) a stream is 11 to 20 items ahead",
      "7.8 a reader that is too slow is told that it has missed items",
      '7.8 with overflow: "fail" its stream fails with FellBehind'
    ]
  })
  guardedSuite(guarded)
})
