/**
 * An actor as its semantics describe it, without fibers, stacks or time: a program of a few arrays that says what every
 * call should have come to after each step. It knows nothing of how the real one works.
 */
import { type Command, type Config, type Group, groups, type Submission } from "./commands.ts"

type Where = "suspended" | "preparing" | "waiting" | "running" | "ending" | "settled"
type Why = "cancelled" | "expired" | "killed" | "restarting"

interface Call {
  readonly id: number
  readonly spec: Submission
  readonly args: ReadonlyArray<Call>
  /** The arguments that it waits for. */
  readonly missing: Set<Call>
  where: Where
  attempts: number
  /** Counts starts: the calls that end together end in this order. */
  startedAs: number
  isOpen: boolean
  outcome: string
  /** Why it is ending. */
  why: Why | undefined
  /** Whether the fiber that asked, or waits for room, was interrupted. */
  abandoned: boolean
  /** Whether its submission succeeded, so that there is a ref. */
  hasRef: boolean
}

interface Event {
  readonly time: number
  readonly of: Call | undefined
  readonly kind: "wake" | "timeout" | "end" | "restart"
  readonly run: () => void
}

/** A command whose indices have become ids. */
export type Step =
  | {
      readonly type: "submit"
      readonly calls: ReadonlyArray<{ id: number; spec: Submission; args: ReadonlyArray<number> }>
    }
  | { readonly type: "cancel"; readonly id: number; readonly finds: string | undefined }
  | { readonly type: "open" | "look"; readonly id: number }
  | Exclude<Command, { readonly type: "submit" | "open" | "look" | "cancel" }>
  | { readonly type: "nothing" }

/** Two things would happen in an order that the semantics leave open, and that matters. */
export class OpenOrder extends Error {}

export class Model {
  private now = 0
  private readonly calls: Array<Call> = []
  private readonly lines: Record<Group, Array<Call>> = { main: [], io: [] }
  private readonly running: Record<Group, Array<Call>> = { main: [], io: [] }
  private readonly starts: Record<Group, Array<number>> = { main: [], io: [] }
  private readonly draining: Record<Group, boolean> = { main: false, io: false }
  private readonly limits: Record<Group, number>
  /** Permits and room of calls that were ended, which others get when all has been said. */
  private readonly held: Record<Group, number> = { main: 0, io: 0 }
  private heldRoom = 0
  /** Lines that are looked at when all has been said. */
  private readonly scheduled: Array<Group> = []
  private readonly backlog: Array<Call> = []
  /** Whether both lines are looked at, either one first. */
  private isOrderOpen = false
  private batches = 0
  private depth = 0
  private preparing: Array<Call> = []
  private suspended: Array<Call> = []
  private events: Array<Event> = []
  private pending = 0
  private restarts = 0
  private paused = false
  /** Whether a restart begins as soon as no call runs. */
  private rebuilds = false
  private refuses = false
  private started = 0
  private killed = false

  private readonly config: Config

  constructor(config: Config) {
    this.config = config
    this.limits = { ...config.limits }
  }

  // --- steps ---------------------------------------------------------------------------------------------------------

  apply(command: Command): Step {
    const step = this.carryOut(command)
    this.drainAll()
    return step
  }

  private carryOut(command: Command): Step {
    switch (command.type) {
      case "submit":
        return { type: "submit", calls: command.calls.map((spec) => this.submit(spec)) }
      case "tick":
        this.advance(this.now + command.millis)
        return command
      case "resize":
        this.limits[command.group] = command.limit
        this.drain(command.group, true)
        return command
      case "stop":
        this.stop()
        return command
      case "kill":
        this.kill()
        return command
    }
    if (this.calls.length === 0) return { type: "nothing" }
    const call = this.calls[command.at % this.calls.length]!
    if (command.type === "cancel") return { type: "cancel", id: call.id, finds: this.cancel(call) }
    if (command.type === "open") this.open(call)
    return { type: command.type, id: call.id }
  }

  // --- submission ----------------------------------------------------------------------------------------------------

  private submit(spec: Submission) {
    const refs = this.calls.filter((call) => call.hasRef)
    const args = refs.length === 0 ? [] : spec.args.map((at) => refs[at % refs.length]!)
    const id = this.calls.length
    const call: Call = {
      id,
      spec,
      args,
      missing: new Set(),
      where: "suspended",
      attempts: 0,
      startedAs: 0,
      isOpen: false,
      outcome: "pending",
      why: undefined,
      abandoned: false,
      hasRef: false
    }
    this.calls.push(call)
    if (!this.isFull) this.accept(call)
    else if (this.config.overflow === "suspend") {
      this.suspended.push(call)
      this.startTimer(call)
    } else this.conclude(call, "PendingCallsLimitExceeded")
    return { id, spec, args: args.map(({ id }) => id) }
  }

  private get isFull(): boolean {
    return !this.refuses && (this.pending >= this.config.maxPendingCalls || this.suspended.length > 0)
  }

  private accept(call: Call): void {
    call.hasRef = !call.spec.ask
    if (this.refuses) {
      this.events = this.events.filter(({ of }) => of !== call)
      return this.conclude(call, "ActorDied")
    }
    this.pending++
    const failed = call.args.find(hasFailed)
    if (failed !== undefined) return this.settle(call, failed.outcome)
    for (const arg of call.args) if (arg.where !== "settled") call.missing.add(arg)
    if (call.missing.size > 0) {
      call.where = "preparing"
      this.preparing.push(call)
    } else this.enqueue(call)
    if (call.where !== "settled") this.startTimer(call)
  }

  /** The time counts from submission, be it that the call waits for room. */
  private startTimer(call: Call): void {
    const { timeout } = call.spec
    if (timeout === undefined || this.events.some(({ kind, of }) => of === call && kind === "timeout")) return
    this.at(this.now + timeout, "timeout", call, () => this.expire(call))
  }

  private enqueue(call: Call): void {
    const { ask, group } = call.spec
    const line = this.lines[group]
    call.where = "waiting"
    line.push(call)
    // An ask starts at once when it is its turn; the others when all has been said.
    if (!ask || call.args.length > 0) this.scheduled.push(group)
    else if (line.length > 1) this.drain(group, true)
    else if (!this.paused && this.hasPermit(group)) this.atDepth(() => this.start(line.shift()!))
  }

  private admit(): void {
    const isTaken = () => this.pending + this.heldRoom >= this.config.maxPendingCalls
    while (this.suspended.length > 0 && (this.refuses || !isTaken())) {
      this.accept(this.suspended.shift()!)
    }
  }

  // --- running -------------------------------------------------------------------------------------------------------

  private drainAll(): void {
    // Which of the two turns comes first is left open.
    const isEither = this.scheduled.length > 0 && this.isHolding
    for (const group of this.scheduled) {
      this.isOrderOpen = isEither || this.scheduled.some((other) => other !== group)
      this.drain(group, true)
    }
    this.scheduled.length = 0
    this.handOn(isEither)
    this.isOrderOpen = false
    // Who is gone is not rebuilt.
    if (this.refuses && this.pending === 0) this.cancelRestart()
  }

  private get isHolding(): boolean {
    return this.heldRoom + this.held.main + this.held.io > 0
  }

  private handOn(isEither: boolean): void {
    if (!this.isHolding) return
    this.heldRoom = this.held.main = this.held.io = 0
    // Whether those that are let in begin before those that stand in line is left open.
    this.isOrderOpen = isEither || this.suspended.length > 0
    this.admit()
    this.isOrderOpen ||= this.lines.main.length > 0 && this.lines.io.length > 0
    for (const group of groups) this.drain(group, false)
    this.drainAll()
  }

  private cancelRestart(): void {
    this.events = this.events.filter(({ kind }) => kind !== "restart")
  }

  private canStart(group: Group): boolean {
    return !this.paused && this.lines[group].length > 0 && this.hasPermit(group, this.held[group])
  }

  private hasPermit(group: Group, held = 0): boolean {
    return this.running[group].length + held < this.limits[group]
  }

  /** Starts the calls of a line: those that were submitted together in one batch, others one by one. */
  private drain(group: Group, together: boolean): void {
    if (this.draining[group]) return
    this.draining[group] = true
    if (together) this.batches++
    this.atDepth(() => {
      while (this.canStart(group)) {
        const call = this.lines[group].shift()!
        this.start(call)
        if (together && hasFailed(call)) this.tellBacklog()
      }
      if (together) this.batches--
    })
    this.draining[group] = false
  }

  /** Who waits hears of results at once, but of those of a batch when it is done. */
  private notify(settled: Call): void {
    if (this.batches > 0) this.backlog.push(settled)
    else this.atDepth(() => this.tell(settled))
  }

  private atDepth(run: () => void): void {
    this.depth++
    run()
    if (this.depth === 1) this.tellBacklog()
    this.depth--
  }

  private tellBacklog(): void {
    for (let next = this.backlog.shift(); next !== undefined; next = this.backlog.shift()) this.tell(next)
  }

  private start(call: Call): void {
    const { group, wait } = call.spec
    call.where = "running"
    call.attempts++
    call.startedAs = ++this.started
    this.starts[group].push(call.id)
    this.running[group].push(call)
    if (wait === "nothing" || (wait === "gate" && call.isOpen)) this.finish(call)
    else if (wait !== "gate") this.at(this.now + wait, "wake", call, () => this.finish(call))
  }

  private open(call: Call): void {
    if (call.isOpen) return
    call.isOpen = true
    if (call.spec.wait === "gate" && call.where === "running") this.finish(call)
  }

  /** The method has ended by itself. */
  private finish(call: Call): void {
    const { badAttempts, outcome } = call.spec
    const result = call.attempts > badAttempts ? "ok" : outcome
    this.leave(call)
    const restarts = result === "die" && this.defect()
    if (result === "ok") this.settle(call, "ok")
    else if (this.runsAgain(call, result)) this.waitAgain(call)
    else this.settle(call, result === "die" ? `defect of #${call.id}` : `error of #${call.id}`)
    // The call that caused a restart is back in line before the restart begins.
    if (restarts) this.rebuild()
    this.rebuildWhenQuiet()
    this.drain(call.spec.group, false)
  }

  private runsAgain(call: Call, result: "fail" | "die" | "interrupted"): boolean {
    if (this.killed || call.attempts > this.config.maxTaskRetries) return false
    return result === "fail" ? this.config.retry : this.paused
  }

  private waitAgain(call: Call): void {
    const line = this.lines[call.spec.group]
    const index = line.findIndex(({ id }) => id > call.id)
    call.where = "waiting"
    call.why = undefined
    line.splice(index === -1 ? line.length : index, 0, call)
  }

  private leave(call: Call): void {
    remove(this.running[call.spec.group], call)
    this.events = this.events.filter(({ kind, of }) => of !== call || kind === "timeout")
  }

  private conclude(call: Call, outcome: string): void {
    call.where = "settled"
    call.outcome = outcome
  }

  private settle(call: Call, outcome: string): void {
    this.conclude(call, outcome)
    this.pending--
    if (isEnded(call) && this.suspended.length > 0) this.heldRoom++
    this.events = this.events.filter(({ of }) => of !== call)
    this.notify(call)
    this.admit()
  }

  private tell(settled: Call): void {
    for (const other of [...this.preparing]) {
      if (other.where !== "preparing" || !other.missing.delete(settled)) continue
      if (settled.outcome !== "ok") {
        remove(this.preparing, other)
        this.settle(other, settled.outcome)
      } else if (other.missing.size === 0) {
        remove(this.preparing, other)
        this.enqueue(other)
      }
    }
  }

  // --- ending --------------------------------------------------------------------------------------------------------

  /** Cancels a call, and says what `ObjectRef.cancel` should find. */
  private cancel(call: Call): string | undefined {
    if (call.spec.ask) call.abandoned = call.where !== "settled" || call.abandoned
    if (call.where === "settled") return call.hasRef ? "AlreadyDone" : undefined
    if (call.where === "suspended") {
      remove(this.suspended, call)
      this.events = this.events.filter(({ of }) => of !== call)
      this.conclude(call, "Interrupted")
      return undefined
    }
    const finds =
      call.attempts === 0
        ? "NotStarted"
        : call.why === "expired" || call.why === "killed"
          ? "AlreadyDone"
          : "Interrupted"
    this.end(call, "cancelled")
    return call.hasRef ? finds : undefined
  }

  private expire(call: Call): void {
    if (call.where === "suspended") {
      remove(this.suspended, call)
      call.hasRef = !call.spec.ask
      return this.conclude(call, "TimedOut")
    }
    this.end(call, "expired")
  }

  private end(call: Call, why: Why): void {
    if (call.where === "ending") {
      // Who is interrupted for a restart may have run again. Not any more.
      if (call.why === "restarting") call.why = why
      return
    }
    if (call.where === "running") {
      this.events = this.events.filter(({ kind, of }) => of !== call || kind === "timeout")
      call.where = "ending"
      call.why = why
      if (call.spec.slowEnd === 0) this.ended(call)
      else this.at(this.now + call.spec.slowEnd, "end", call, () => this.ended(call))
      return
    }
    remove(this.preparing, call)
    remove(this.lines[call.spec.group], call)
    call.why = why
    this.settle(call, ends[why])
  }

  /** An interrupted method has ended, its finalizers included. */
  private ended(call: Call): void {
    this.leave(call)
    if (isEnded(call) && this.lines[call.spec.group].length > 0) this.held[call.spec.group]++
    if (call.why === "restarting" && this.runsAgain(call, "interrupted")) this.waitAgain(call)
    else this.settle(call, ends[call.why!])
    this.drain(call.spec.group, false)
    this.rebuildWhenQuiet()
  }

  // --- life and death ------------------------------------------------------------------------------------------------

  /** Deals with a defect, and says whether there will be a restart for it. */
  private defect(): boolean {
    const { onDefect } = this.config
    if (this.refuses || this.paused || onDefect === "resume") return false
    if (this.isOrderOpen) throw new OpenOrder()
    if (onDefect === "stop") {
      this.kill()
      return false
    }
    this.paused = true
    if (this.mayRestart) for (const call of this.runningNow()) this.end(call, "restarting")
    return true
  }

  private get mayRestart(): boolean {
    return this.restarts < this.config.maxRestarts
  }

  private rebuild(): void {
    if (this.mayRestart) this.rebuilds = true
    else this.kill()
  }

  private rebuildWhenQuiet(): void {
    if (!this.rebuilds || this.killed || groups.some((group) => this.running[group].length > 0)) return
    this.rebuilds = false
    this.at(this.now + this.config.restartDelay, "restart", undefined, () => {
      this.restarts++
      this.paused = false
      this.scheduled.push(...groups)
    })
  }

  private stop(): void {
    this.refuses = true
    this.admit()
  }

  private kill(): void {
    if (this.killed) return
    this.killed = true
    // Whose argument has failed already fails for that reason, and makes room for who waits for it.
    for (const call of [...this.preparing]) {
      const failed = call.args.find(hasFailed)
      if (failed === undefined || call.where !== "preparing") continue
      remove(this.preparing, call)
      this.settle(call, failed.outcome)
    }
    this.refuses = true
    this.cancelRestart()
    this.admit()
    const waiting = [...this.preparing, ...groups.flatMap((group) => this.lines[group])]
    this.preparing = []
    for (const group of groups) this.lines[group].length = 0
    for (const call of waiting) if (call.where !== "settled") this.end(call, "killed")
    for (const call of this.inOrder()) this.end(call, "killed")
  }

  private runningNow(): Array<Call> {
    return this.inOrder().filter(({ where }) => where === "running")
  }

  /** The calls that hold a permit, as they started. */
  private inOrder(): Array<Call> {
    return groups.flatMap((group) => this.running[group]).sort((a, b) => a.startedAs - b.startedAs)
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  private at(time: number, kind: Event["kind"], of: Call | undefined, run: () => void): void {
    if (this.events.some((event) => event.time === time)) throw new OpenOrder()
    this.events.push({ time, of, kind, run })
  }

  private advance(until: number): void {
    for (;;) {
      const next = this.events.reduce<Event | undefined>(
        (a, b) => (a !== undefined && a.time <= b.time ? a : b),
        undefined
      )
      if (next === undefined || next.time > until) break
      remove(this.events, next)
      this.now = next.time
      next.run()
      this.drainAll()
    }
    this.now = until
  }

  // --- what can be seen ----------------------------------------------------------------------------------------------

  get count(): number {
    return this.calls.length
  }

  /** One line per fact, in the form in which the real actor tells them. */
  snapshot(): Array<string> {
    return [
      `${this.pending} pending, ${this.restarts} restarts${this.refuses ? ", no new calls" : ""}`,
      ...groups.map(
        (group) =>
          `${group}: ${this.running[group].length} running, ${this.lines[group].length} waiting, started ${this.starts[group].join(" ")}`
      ),
      ...this.calls.map((call) => `#${call.id} ${this.status(call)}`)
    ]
  }

  private status(call: Call): string {
    if (call.where === "settled") {
      return call.spec.ask && call.abandoned ? "Interrupted" : call.outcome
    }
    if (!call.hasRef) return "pending"
    const waits = this.preparing.flatMap(({ args }) => args).filter((arg) => arg === call).length
    return `pending, ${waits} arguments`
  }
}

const ends: Record<Why, string> = {
  cancelled: "TaskCancelled",
  expired: "TimedOut",
  killed: "ActorDied",
  restarting: "ActorUnavailable"
}

const isEnded = ({ why }: Call): boolean => why === "cancelled" || why === "expired"

const hasFailed = (call: Call): boolean => call.where === "settled" && call.outcome !== "ok"

const remove = <A>(items: Array<A>, item: A): void => {
  const index = items.indexOf(item)
  if (index >= 0) items.splice(index, 1)
}
