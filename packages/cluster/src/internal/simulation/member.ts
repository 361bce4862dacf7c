/**
 * What runs in a process of a simulated cluster, and what the history says of it.
 */
import * as Instrumentation from "@troupe/core/Instrumentation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Process } from "./process.ts"
import { textOf, textOfArgs } from "./text.ts"

export class Member {
  state: "starting" | "up" | "leaving" | "gone" = "starting"
  /** Told when it has not started. */
  onFailure: () => void = () => {}
  readonly process: Process
  /** The calls that were made in the process as the one that calls, and have not settled. */
  readonly unsettled = new Map<number, string>()
  private readonly scope = Scope.makeUnsafe()
  private services: Context.Context<never> = Context.empty()
  private waiting: Array<() => void> = []

  constructor(process: Process) {
    this.process = process
  }

  get name(): string {
    return this.process.name
  }

  get isDead(): boolean {
    return this.process.state === "dead"
  }

  private note(what: string, more?: string): void {
    this.process.world.note(this.name, what, more)
  }

  /** Builds what the process is made of. */
  start(context: Context.Context<never>, layer: Layer.Layer<any, any, any>): void {
    const build = Layer.buildWithScope(layer as unknown as Layer.Layer<never>, this.scope)
    this.process.scheduleTask(() =>
      Effect.runForkWith(Context.merge(this.process.context, context))(build).addObserver((exit) => this.started(exit))
    )
    this.process.onDeath.push(() => this.tell())
  }

  private started(exit: Exit.Exit<Context.Context<never>, unknown>): void {
    if (Exit.isFailure(exit)) {
      this.note(`does not start: ${textOf(exit.cause)}`)
      this.state = "gone"
      // Outside of its turn, which goes on.
      this.process.world.after(0, () => {
        this.process.die()
        this.onFailure()
      })
    } else {
      this.note("is up")
      this.services = exit.value
      this.state = "up"
    }
    this.tell()
  }

  /** Ends what the process is made of, as SIGTERM does, and then the process. */
  leave(): void {
    if (this.state !== "up" || this.isDead) return
    this.state = "leaving"
    this.note("leaves")
    const close = Scope.close(this.scope, Exit.void)
    this.process.scheduleTask(() =>
      Effect.runForkWith(this.process.context)(close).addObserver(() => {
        this.note("has left")
        this.state = "gone"
        this.process.world.after(0, () => this.process.die())
        this.tell()
      })
    )
  }

  private tell(): void {
    for (const tell of this.waiting.splice(0)) this.process.world.exploration.soon(tell)
  }

  /** Waits until the process does not start or leave any more, or is dead. */
  readonly steady: Effect.Effect<void> = Effect.callback((resume) => {
    // The program that waits may be preempted: so it is asked where it begins to wait, and again when there is news.
    if (this.isDead || this.state === "up" || this.state === "gone") resume(Effect.void)
    else this.waiting.push(() => resume(this.steady))
  })

  /** Runs an effect in the process, with what was made in it. Fails with `gone` when the process dies. */
  run<A, E>(effect: Effect.Effect<A, E, any>, gone: () => E): Effect.Effect<A, E> {
    const { process } = this
    const soon = (task: () => void) => process.world.exploration.soon(task)
    return Effect.callback<A, E>((resume) => {
      let fiber: Fiber.Fiber<A, E> | undefined
      let ended = () => {}
      const end = (exit: Exit.Exit<A, E>) =>
        soon(() => {
          resume(exit)
          ended()
        })
      if (this.isDead) return end(Exit.fail(gone()))
      process.onDeath.push(() => end(Exit.fail(gone())))
      process.scheduleTask(() => {
        fiber = Effect.runForkWith(Context.merge(process.context, this.services))(effect as Effect.Effect<A, E>)
        fiber.addObserver(end)
      })
      // Whoever interrupts waits until the fiber has ended, or its process.
      return Effect.callback<void>((done) => {
        ended = () => done(Effect.void)
        if (this.isDead || fiber?.pollUnsafe() !== undefined) ended()
        else process.scheduleTask(() => fiber?.interruptUnsafe())
      })
    })
  }

  /** Calls of one method of one key are told apart by it. */
  private told(args: ReadonlyArray<unknown>): string {
    return args.length > 0 && this.process.world.exploration.traced ? `: ${textOfArgs(args)}` : ""
  }

  /** Writes the history: what runs on a node, or what a client calls. */
  listen(isClient: boolean): void {
    const proxies = new Set<number>()
    const running = new Set<number>()
    const tool: Instrumentation.Tool = {
      instance: (news) => {
        if (news._tag === "InstanceStarted" && news.client) proxies.add(news.instance)
      },
      submitted: ({ args, id, method }) => {
        if (!isClient) return
        this.unsettled.set(id, method)
        this.note(`calls ${method}`, this.told(args))
      },
      started: ({ args, id, instance, method }) => {
        if (isClient || proxies.has(instance)) return
        running.add(id)
        this.process.runs(running.size)
        this.note(`${method} starts`, this.told(args))
      },
      settled: ({ id, instance, method }, exit) => {
        this.unsettled.delete(id)
        if (!isClient && proxies.has(instance)) return
        running.delete(id)
        this.process.runs(running.size)
        this.note(`${method} ${Exit.isSuccess(exit) ? "succeeds" : `fails: ${textOf(exit.cause)}`}`)
      }
    }
    const context = Context.add(this.process.context, Scope.Scope, Scope.makeUnsafe())
    Effect.runSyncWith(context)(Instrumentation.attach(tool, { tasks: false }))
  }
}
