/**
 * A bank on three nodes, one of which is killed every few seconds, while money goes from account to account. At the end
 * the money is counted.
 *
 *     npx node --conditions=@troupe/source examples/bank/main.ts --seconds 30 --kill-every 3
 */

import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import { Cause, Effect, Exit, Fiber, Layer, Random } from "effect"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import { Account } from "./Account.ts"
import { GIFT } from "./AccountLive.ts"
import { Transfer } from "./Transfer.ts"

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    "kill-every": { type: "string", default: "3" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) }
  }
})

const NODES = 3
const CLERKS = 6
const accounts = Array.from({ length: 12 }, (_, i) => `account ${i + 1}`)
/** Money that is sent to these comes back. */
const closed = accounts.slice(-2)

const folder = mkdtempSync(join(tmpdir(), "troupe-bank-"))
const file = join(folder, "bank.db")
const start = performance.now()
const say = (line: string) => console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${line}`)

// --- nodes -----------------------------------------------------------------------------------------------------------

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

class Branch {
  readonly port: number
  private process: ChildProcess | undefined = undefined

  constructor(port: number) {
    this.port = port
  }

  async open(): Promise<void> {
    this.process = fork(new URL("./node.ts", import.meta.url), [String(this.port), file], {
      execArgv: ["--conditions=@troupe/source"]
    })
    await Promise.race([
      once(this.process, "message"),
      once(this.process, "exit").then(([code]) => Promise.reject(new Error(`a node ended with ${code}`)))
    ])
  }

  async kill(): Promise<void> {
    const ended = once(this.process!, "exit")
    this.process!.kill("SIGKILL")
    await ended
  }
}

// --- transfers -------------------------------------------------------------------------------------------------------

const tally = { done: 0, refused: 0, returned: 0, broken: 0 }

const transfer = (id: string) =>
  Effect.gen(function* () {
    const from = yield* pick(accounts.slice(0, -2))
    const to = yield* pick(accounts.filter((account) => account !== from))
    const exit = yield* Effect.exit(
      Transfer.execute({ id, from, to, amount: yield* Random.nextIntBetween(1, GIFT / 2) })
    )
    if (Exit.isSuccess(exit)) return void tally.done++
    const error = exit.cause.reasons.find(Cause.isFailReason)?.error
    if (error?._tag === "InsufficientFunds") tally.refused++
    else if (error?._tag === "AccountClosed") tally.returned++
    else {
      tally.broken++
      say(`transfer ${id} broke: ${Cause.pretty(exit.cause)}`)
    }
  })

const pick = <A>(items: ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, items.length - 1), (index) => items[index]!)

const count = Effect.gen(function* () {
  const balances = yield* Effect.forEach(accounts, (name) =>
    Effect.flatMap(Account.get(name), (account) => Effect.retry(account.balance(), { times: 20 }))
  )
  return balances.reduce((sum, balance) => sum + balance, 0)
})

const program = (branches: ReadonlyArray<Branch>) =>
  Effect.gen(function* () {
    for (const name of closed) yield* Effect.retry((yield* Account.get(name)).close(), { times: 20 })
    const end = performance.now() + Number(options.seconds) * 1000
    const open = () => performance.now() < end
    let last = 0
    const clerk = Effect.whileLoop({
      while: open,
      body: () => transfer(`transfer ${++last}`),
      step: () => {}
    })
    const clerks = yield* Effect.forEach(Array.from({ length: CLERKS }), () => Effect.forkChild(clerk))
    while (open()) {
      yield* Effect.sleep(Number(options["kill-every"]) * 1000)
      const branch = yield* pick(branches)
      yield* Effect.promise(() => branch.kill())
      say(`node ${branches.indexOf(branch) + 1} was killed. ${tally.done} transfers were made so far.`)
      yield* Effect.promise(() => branch.open())
    }
    yield* Effect.forEach(clerks, Fiber.join)
    return yield* count
  })

const Client = ClusterHome.client(Account).pipe(
  Layer.provideMerge(ClusterWorkflowEngine.layer),
  Layer.provideMerge(ClusterHome.layerClient({ storage: { file }, failover: "3 seconds" }))
)

try {
  const branches: Array<Branch> = []
  for (let i = 0; i < NODES; i++) branches.push(new Branch(await freePort()))
  await Promise.all(branches.map((branch) => branch.open()))
  const all = accounts.length * GIFT
  say(`${accounts.length} accounts with ${all} in them, on ${NODES} nodes (--seed ${options.seed})`)
  const money = await Effect.runPromise(
    program(branches).pipe(Effect.provide(Client), Random.withSeed(Number(options.seed)))
  )
  const { broken, done, refused, returned } = tally
  say(`${done} transfers were made, ${refused} refused for lack of money, ${returned} returned by closed accounts`)
  const verdict = money === all ? "None was made, none was lost." : money > all ? "Money was made!" : "Money was lost!"
  say(`${money} of ${all} are in the bank. ${verdict}`)
  process.exitCode = money === all && broken === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
