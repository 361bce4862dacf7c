/**
 * Metrics of calls and instances (semantics 11.3), kept by a watcher.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { CallEvent, Event, MetricsOptions } from "../../ActorSystem.ts"
import * as options from "../base/options.ts"
import { isClient } from "../call/carried.ts"
import type { Cell } from "../instance/cell.ts"
import { registriesIn } from "../instance/registry.ts"
import { watch } from "./events.ts"

const DEFAULT_MAX_METHODS = 1000
const OTHER = "(other)"

/** In seconds, from a tenth of a millisecond to a minute and a half. */
const boundaries = Metric.exponentialBoundaries({ start: 0.0001, factor: 2, count: 20 })

/** What the names of metrics begin with: those of instances that live here, and those of clients of others. */
type Prefix = "troupe" | "troupe_client"

/** The metrics of one method, or of all that are too many to be told apart. */
class MethodMetrics {
  declare readonly waiting: Metric.Histogram<number>
  declare readonly running: Metric.Histogram<number>
  private readonly outcomes = new Map<string, Metric.Counter<number>>()
  declare private readonly prefix: Prefix
  declare private readonly attributes: { readonly actor: string; readonly method: string }

  constructor(prefix: Prefix, actor: string, method: string) {
    this.prefix = prefix
    this.attributes = { actor, method }
    // Exporters of Effect take the unit from this attribute.
    const attributes = { actor, method, unit: "s" }
    this.waiting = Metric.histogram(`${prefix}_call_waiting_seconds`, {
      description: "How long calls waited before they started",
      attributes,
      boundaries
    })
    this.running = Metric.histogram(`${prefix}_call_running_seconds`, {
      description: "How long calls ran",
      attributes,
      boundaries
    })
  }

  calls(outcome: string): Metric.Counter<number> {
    let counter = this.outcomes.get(outcome)
    if (counter === undefined) {
      counter = Metric.counter(`${this.prefix}_calls_total`, {
        description: "Calls that have ended",
        attributes: { ...this.attributes, outcome },
        incremental: true
      })
      this.outcomes.set(outcome, counter)
    }
    return counter
  }
}

/** The metrics of all instances of an actor together. */
class ActorMetrics {
  declare readonly waiting: Metric.Gauge<number>
  declare readonly running: Metric.Gauge<number>
  declare readonly instances: Metric.Gauge<number>
  declare readonly restarts: Metric.Counter<number>

  constructor(prefix: Prefix, actor: string) {
    const attributes = { actor }
    this.waiting = Metric.gauge(`${prefix}_calls_waiting`, { description: "Calls that wait to start", attributes })
    this.running = Metric.gauge(`${prefix}_calls_running`, { description: "Calls that run", attributes })
    this.instances = Metric.gauge(`${prefix}_instances`, { description: "Living instances", attributes })
    this.restarts = Metric.counter(`${prefix}_restarts_total`, {
      description: "Restarts",
      attributes,
      incremental: true
    })
  }
}

const gauges = ["waiting", "running", "instances"] as const

/** Keeps the metrics whose names have one prefix. */
class Recorder {
  private readonly methods = new Map<string, MethodMetrics>()
  private readonly actors = new Map<string, ActorMetrics>()
  declare private readonly context: Context.Context<never>
  declare private readonly maxMethods: number
  declare private readonly prefix: Prefix

  constructor(prefix: Prefix, context: Context.Context<never>, maxMethods: number) {
    this.prefix = prefix
    this.context = context
    this.maxMethods = maxMethods
  }

  /** Counts what was there before. */
  include(cell: Cell): void {
    const running = cell.running.length
    this.add(cell.id, { instances: 1, running, waiting: cell.pending - running })
  }

  record(event: Event): void {
    const { actor } = event
    switch (event._tag) {
      case "Submitted":
        return this.add(actor, { waiting: 1 })
      case "Started":
        this.of(event).waiting.updateUnsafe(event.waited / 1000, this.context)
        return this.add(actor, { waiting: -1, running: 1 })
      case "Requeued":
        return this.add(actor, { waiting: 1, running: -1 })
      case "Settled":
        return this.settled(event)
      case "Refused":
        return this.of(event).calls("refused").updateUnsafe(1, this.context)
      case "InstanceStarted":
        return this.add(actor, { instances: 1 })
      case "InstanceGone":
        return this.add(actor, { instances: -1 })
      case "InstanceRestarted":
        return this.actor(actor).restarts.updateUnsafe(1, this.context)
    }
  }

  private settled(event: Extract<CallEvent, { readonly _tag: "Settled" }>): void {
    const metrics = this.of(event)
    metrics.calls(event.outcome).updateUnsafe(1, this.context)
    if (event.ran !== undefined) metrics.running.updateUnsafe(event.ran / 1000, this.context)
    this.add(event.actor, event.ran === undefined ? { waiting: -1 } : { running: -1 })
  }

  private add(actor: string, change: { readonly [K in (typeof gauges)[number]]?: number }): void {
    const metrics = this.actor(actor)
    for (const gauge of gauges) if (change[gauge]) metrics[gauge].modifyUnsafe(change[gauge], this.context)
  }

  private actor(id: string): ActorMetrics {
    const name = this.actors.has(id) || this.actors.size < this.maxMethods ? id : OTHER
    const metrics = this.actors.get(name) ?? new ActorMetrics(this.prefix, name)
    this.actors.set(name, metrics)
    return metrics
  }

  private of({ actor, name }: CallEvent): MethodMetrics {
    const key = `${actor}\n${name}`
    const known = this.methods.get(key)
    if (known !== undefined) return known
    const full = this.methods.size >= this.maxMethods
    if (full && this.methods.has(OTHER)) return this.methods.get(OTHER)!
    const metrics = full ? new MethodMetrics(this.prefix, OTHER, OTHER) : new MethodMetrics(this.prefix, actor, name)
    this.methods.set(full ? OTHER : key, metrics)
    return metrics
  }
}

/** Keeps the calls that instances here serve apart from those that clients carry to others, which are counted there. */
class Recorders {
  declare private readonly served: Recorder
  declare private readonly carried: Recorder
  private readonly clients = new Set<number>()

  constructor(context: Context.Context<never>, maxMethods: number) {
    this.served = new Recorder("troupe", context, maxMethods)
    this.carried = new Recorder("troupe_client", context, maxMethods)
  }

  include(cell: Cell): void {
    if (isClient(cell.context)) this.clients.add(cell.instance)
    this.of(cell.instance).include(cell)
  }

  readonly record = (event: Event): void => {
    const { instance } = event
    if (event._tag === "InstanceStarted" && event.client) this.clients.add(instance)
    this.of(instance).record(event)
    if (event._tag === "InstanceGone") this.clients.delete(instance)
  }

  private of(instance: number): Recorder {
    return this.clients.has(instance) ? this.carried : this.served
  }
}

export const layer = (input: MetricsOptions = {}): Layer.Layer<never> => {
  options.onlyKnown("ActorSystem.layerMetrics", input, { maxMethods: true })
  const maxMethods = options.limit("ActorSystem.layerMetrics", "maxMethods", input.maxMethods ?? DEFAULT_MAX_METHODS)
  return Layer.effectDiscard(
    Effect.withFiber((fiber) => {
      const recorders = new Recorders(fiber.context, maxMethods)
      for (const { cells } of registriesIn<Cell>(fiber.context))
        for (const cell of cells.values()) recorders.include(cell)
      return watch(recorders.record)
    })
  )
}
