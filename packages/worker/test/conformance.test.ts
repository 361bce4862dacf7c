import { WorkerHome } from "@troupe/worker"
import { describe } from "vitest"
import { Box, Desk } from "../../core/test/conformance/actors.ts"
import { Guarded, GuardedBox, guardedBoxSuite, guardedSuite } from "../../core/test/conformance/guarded.ts"
import { suite } from "../../core/test/conformance/suite.ts"
import { bundle } from "./support.ts"

const url = await bundle("conformance.worker")

describe("10.1 the conformance suite, in worker threads", () => {
  suite({
    name: "worker threads",
    desk: (fixture) => WorkerHome.layer(Desk, { url, workerOptions: { workerData: fixture } }),
    box: (fixture) => WorkerHome.layer(Box, { url, size: 2, workerOptions: { workerData: fixture } }),
    spawn: (fixture) => WorkerHome.spawn(Desk, { url, workerOptions: { workerData: fixture } })
  })
  guardedSuite(WorkerHome.layer(Guarded, { url, workerOptions: { workerData: "guarded" } }), { permitFirst: true })
  guardedBoxSuite(WorkerHome.layer(GuardedBox, { url, size: 2, workerOptions: { workerData: "guardedBox" } }))
})
