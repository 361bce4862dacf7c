/**
 * The cluster that this process belongs to, as tools ask for it.
 */
import * as Context from "effect/Context"
import type { Cluster } from "../../Home.ts"

export const CurrentCluster: Context.Reference<Cluster | undefined> = Context.Reference<Cluster | undefined>(
  "troupe/Cluster",
  { defaultValue: () => undefined }
)
