/** Runs in the page: the contenders, and what is measured of them. `main.ts` opens it. */
import { type Actor, AsyncHandle } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { transfer, wrap } from "comlink"
import { Effect, Exit, Scope } from "effect"
import { byHand, type Contender, effects, inFlight, inTurns, print, sequential, transfers } from "../measure.ts"
import { Echo } from "./Echo.ts"

type Echoing = Pick<Contender, "name" | "add" | "echo" | "copy" | "close">

const scope = globalThis as any
const start = (name: string) => new scope.Worker(`/${name}.worker.js`, { type: "module" })

const raw = (): Echoing => {
  const worker = start("raw")
  const { call, take } = byHand((message, moved) => worker.postMessage(message, moved))
  worker.onmessage = ({ data }: { data: [number, unknown] }) => take(data)
  return {
    name: "postMessage by hand",
    add: (a, b) => call("add", [a, b]),
    echo: (bytes) => call("echo", [bytes], [bytes.buffer as ArrayBuffer]),
    copy: (bytes) => call("copy", [bytes]),
    close: async () => worker.terminate()
  }
}

const comlink = (): Echoing => {
  const worker = start("comlink")
  const proxy: any = wrap(worker)
  return {
    name: "comlink",
    add: (a, b) => proxy.add(a, b),
    echo: (bytes) => proxy.echo(transfer(bytes, [bytes.buffer])),
    copy: (bytes) => proxy.copy(bytes),
    close: async () => worker.terminate()
  }
}

const troupe = async (): Promise<Echoing & { readonly handle: Actor.Handle<any> }> => {
  const own = Scope.makeUnsafe()
  const made = WorkerHome.spawn(Echo, { spawn: () => start("troupe") })
  const echo = await Effect.runPromise(Scope.provide(made, own))
  const handle = AsyncHandle.make(echo)
  return {
    name: "Troupe, refs",
    handle: echo as any,
    add: handle.add,
    echo: (bytes) => handle.echo(WorkerHome.transfer(bytes)),
    copy: handle.copy,
    close: () => Effect.runPromise(Scope.close(own, Exit.void))
  }
}

const measure = async (rounds: number): Promise<void> => {
  const inTroupe = await troupe()
  const all = [raw(), comlink(), inTroupe]
  const lanes = (row: (contender: Echoing) => () => Promise<number>) =>
    all.map((contender) => ({ name: contender.name, run: row(contender) }))
  const asEffects = effects(inTroupe)
  const ask = { name: "Troupe, yield*", run: asEffects.sequential }
  const asks = { name: "Troupe, yield*", run: asEffects.inFlight }
  const one = await inTurns([...lanes(({ add }) => sequential(add)), ask], rounds)
  print("One call after the other", "us a call", one, "comlink")
  const many = await inTurns([...lanes(({ add }) => inFlight(add)), asks], rounds)
  print("1000 in flight", "us a call", many, "comlink", 2)
  for (const [how, way] of [
    ["moved", "echo"],
    ["copied", "copy"]
  ] as const) {
    const results = await inTurns(
      lanes((contender) => transfers(contender[way])),
      rounds
    )
    print(`1 MB there and back, ${how}`, "us", results, "comlink")
  }
  for (const { close } of all) await close()
}

scope.measure = measure
