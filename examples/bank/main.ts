/**
 * A bank on three nodes, one of which is killed every few seconds, while money moves between accounts. At the end the
 * program counts the money.
 *
 *     npm run bank
 *     npx node --conditions=@troupe/source examples/bank/main.ts --seconds 30 --kill-every 3
 */

import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import { Cause, Effect, Exit, Fiber, Layer, Random } from "effect"
import { Command, Flag } from "effect/cli"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import { runCommand, wholeNumber } from "../cli.ts"
import { ExitWith } from "../ExitWith.ts"
import { runServer } from "../server.ts"
import { Account } from "./Account.ts"
import { GIFT } from "./AccountLive.ts"
import { Transfer } from "./Transfer.ts"

const flags = {
  seconds: wholeNumber("seconds", { least: 1, most: 86_400 }).pipe(
    Flag.withDescription("How long money is transferred (default: 20)"),
    Flag.withDefault(20)
  ),
  killEvery: wholeNumber("kill-every", { least: 1, most: 3600 }).pipe(
    Flag.withDescription("How many seconds there are between one kill and the next (default: 3)"),
    Flag.withDefault(3)
  ),
  seed: wholeNumber("seed", { least: 0, most: 2 ** 31 - 1 }).pipe(
    Flag.withDescription("Repeats the choices of another run (default: any)"),
    Flag.withDefault(Math.floor(Math.random() * 2 ** 31))
  )
}

const NODES = 3
const CLERKS = 6
const accounts = Array.from({ length: 12 }, (_, i) => `account ${i + 1}`)
/** Money sent to these comes back. */
const closed = accounts.slice(-2)

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
  readonly file: string
  private process: ChildProcess | undefined = undefined

  constructor(port: number, file: string) {
    this.port = port
    this.file = file
  }

  async open(): Promise<void> {
    this.process = fork(new URL("./node.ts", import.meta.url), [String(this.port), this.file], {
      execArgv: ["--conditions=@troupe/source"]
    })
    await Promise.race([
      once(this.process, "message"),
      once(this.process, "exit").then(([code]) => Promise.reject(new Error(`a node ended with ${code}`)))
    ])
  }

  async kill(): Promise<void> {
    if (this.process === undefined) return
    const ended = once(this.process, "exit")
    this.process.kill("SIGKILL")
    await ended
    this.process = undefined
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

const keepTransferring = (branches: ReadonlyArray<Branch>, options: Options) =>
  Effect.gen(function* () {
    for (const name of closed) yield* Effect.retry((yield* Account.get(name)).close(), { times: 20 })
    const end = performance.now() + options.seconds * 1000
    const open = () => performance.now() < end
    let last = 0
    const clerk = Effect.whileLoop({
      while: open,
      body: () => transfer(`transfer ${++last}`),
      step: () => {}
    })
    const clerks = yield* Effect.forEach(Array.from({ length: CLERKS }), () => Effect.forkScoped(clerk))
    while (open()) {
      yield* Effect.sleep(options.killEvery * 1000)
      const branch = yield* pick(branches)
      yield* Effect.promise(() => branch.kill())
      say(`node ${branches.indexOf(branch) + 1} was killed. ${tally.done} transfers were made so far.`)
      yield* Effect.promise(() => branch.open())
    }
    say("waiting for the transfers under way")
    yield* Effect.forEach(clerks, Fiber.join)
    return yield* count
  }).pipe(
    Effect.onInterrupt(() => Effect.sync(() => say("closing the bank ..."))),
    // On interruption, the clerks go home before the connection to the nodes closes.
    Effect.scoped
  )

interface Options {
  readonly seconds: number
  readonly killEvery: number
  readonly seed: number
}

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-bank-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Nodes that end with the program, even if it is interrupted. */
const openBranches = Effect.fnUntraced(function* (file: string) {
  const ports = yield* Effect.promise(() => Promise.all(Array.from({ length: NODES }, freePort)))
  const branches = ports.map((port) => new Branch(port, file))
  const all = (action: (branch: Branch) => Promise<void>) => Effect.promise(() => Promise.all(branches.map(action)))
  yield* Effect.addFinalizer(() => all((branch) => branch.kill()))
  yield* all((branch) => branch.open())
  return branches
})

const client = (file: string) =>
  ClusterHome.client(Account).pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(ClusterHome.layerClient({ storage: { file }, failover: "3 seconds" }))
  )

const bank = Effect.fnUntraced(function* (options: Options) {
  say(`opening ${NODES} nodes`)
  const file = join(yield* temporaryFolder, "bank.db")
  const branches = yield* openBranches(file)
  const all = accounts.length * GIFT
  say(`${accounts.length} accounts with ${all} in them (--seed ${options.seed})`)
  const money = yield* keepTransferring(branches, options).pipe(
    Effect.provide(client(file)),
    Random.withSeed(options.seed)
  )
  const { broken, done, refused, returned } = tally
  say(`${done} transfers were made, ${refused} refused for lack of money, ${returned} returned by closed accounts`)
  const verdict = money === all ? "None was made, none was lost." : money > all ? "Money was made!" : "Money was lost!"
  say(`${money} of ${all} are in the bank. ${verdict}`)
  if (money !== all || broken > 0) return yield* new ExitWith({ code: 1 })
}, Effect.scoped)

const command = Command.make("npm run bank --", flags, bank).pipe(
  Command.withDescription("Transfers between accounts on three nodes, one of which is killed every few seconds")
)

runServer(runCommand(command).pipe(Effect.provide(NodeServices.layer)))
