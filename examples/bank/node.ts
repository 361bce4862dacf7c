/** One node of the bank: a process whose arguments are its port and the file that all nodes share. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import * as DurableState from "@troupe/cluster/DurableState"
import { Effect, Layer } from "effect"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import { Account } from "./Account.ts"
import { AccountLive } from "./AccountLive.ts"
import { TransferLive } from "./Transfer.ts"

const [, , port, file = ""] = process.argv

const Bank = TransferLive.pipe(
  Layer.provideMerge(ClusterHome.layer(Account, Layer.provide(AccountLive, DurableState.layer))),
  Layer.provide(ClusterWorkflowEngine.layer),
  Layer.provide(ClusterHome.layerNode({ port: Number(port), storage: { file }, failover: "3 seconds" }))
)

const ready = Layer.effectDiscard(Effect.sync(() => process.send?.("ready")))

// The parent process is gone.
process.on("disconnect", () => process.exit(1))

NodeRuntime.runMain(Layer.launch(Layer.provide(ready, Bank)))
