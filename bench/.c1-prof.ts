import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import * as Actor from "@troupe/core/Actor"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
class Counter extends Actor.Keyed<Counter>()("bench/Counter", { key: Schema.String, methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }) } }) {}
const CounterLive = Counter.toLayer(() => Effect.sync(() => { let c = 0; return Counter.of({ add: (by: number) => Effect.sync(() => c += by) }) }), { maxConcurrency: 1 })
const ByHand = Entity.make("bench/ByHand", [Rpc.make("add", { payload: { by: Schema.Int }, success: Schema.Int })])
const ByHandLive = ByHand.toLayer(Effect.sync(() => { let c = 0; return ByHand.of({ add: ({payload}: any) => Effect.sync(() => c += payload.by) }) }))
const rt = ManagedRuntime.make(Layer.merge(ClusterHome.layer(Counter, CounterLive), ByHandLive).pipe(Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))))
const a = await rt.runPromise(Counter.get("x")); const e = (await rt.runPromise(ByHand.client))("x")
const N = 40000
const seq = (f: () => Effect.Effect<any, any>) => Effect.repeat(Effect.suspend(f), { times: N - 1 })
const tog = (f: () => Effect.Effect<any, any>) => Effect.forEach(Array.from({ length: N }), f, { concurrency: 1000, discard: true })
for (let i = 0; i < 3; i++) for (const [n, w] of [["entity seq", seq(() => e.add({ by: 1 }))], ["ours seq", seq(() => a.add(1))], ["entity tog", tog(() => e.add({ by: 1 }))], ["ours tog", tog(() => a.add(1))]] as any) {
  if (process.argv[2] && !n.startsWith(process.argv[2])) continue
  const s = performance.now(); await rt.runPromise(w); console.log(n, ((performance.now() - s) * 1000 / N).toFixed(1))
}
process.exit(0)
