/**
 * The options of an instance, with their defaults, checked where they are written.
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type {
  AbortSignalLike,
  ActorOptions,
  CallOptions,
  InstanceOptions as InstanceInput,
  KeyedOptions,
  MethodOptions,
  NameOptions
} from "../../Actor.ts"
import type { Any } from "../../ActorMiddleware.ts"
import type { TaskOptions, TaskSchemas } from "../../Task.ts"
import { show } from "./show.ts"

type Input = InstanceInput & NameOptions

export interface InstanceOptions {
  readonly maxConcurrency: number
  readonly maxPendingCalls: number
  readonly overflow: "fail" | "suspend"
  readonly concurrencyGroups: Readonly<Record<string, ConcurrencyGroup>> | undefined
  readonly methodOptions: Readonly<Record<string, MethodOptions<string> | undefined>>
  readonly shutdownTimeout: Duration.Duration
  readonly onDefect: "resume" | "restart" | "stop"
  readonly restart: Schedule.Schedule<unknown, Cause.Cause<unknown>> | undefined
  readonly maxTaskRetries: number
  readonly retry: boolean | ((error: any) => boolean)
  readonly validate: boolean
  readonly name: string | undefined
  readonly getIfExists: boolean
  readonly middleware: ReadonlyArray<Any> | undefined
}

export interface ConcurrencyGroup {
  readonly maxConcurrency: number
  readonly methods: ReadonlyArray<string>
}

/** What an option has to be: gives what the runtime makes of a value, or throws, naming whose option it is. */
type Check<A = unknown, Input = A> = (subject: string, option: string, value: Input) => A

const must =
  <A>(what: string, fits: (value: A) => boolean, Type: new (message: string) => Error = RangeError): Check<A> =>
  (subject, option, value) => {
    if (fits(value)) return value
    throw new Type(`${subject}: ${option} must be ${what}, but is ${show(value)}`)
  }

const isInteger = (value: number, least: number): boolean => Number.isInteger(value) && value >= least

/** A number of permits: an integer of at least 1, or `Infinity` (semantics 2.4). */
export const limit: Check<number> = /* @__PURE__ */ must(
  "an integer of at least 1, or Infinity",
  (value) => value === Infinity || isInteger(value, 1)
)

/** How many instances to start. */
export const size: Check<number> = /* @__PURE__ */ must("an integer of at least 1", (value) => isInteger(value, 1))

export const count: Check<number> = /* @__PURE__ */ must(
  "an integer of at least 0, or Infinity",
  (value) => value === Infinity || isInteger(value, 0)
)

/** The duration that is given, if it is one. Effect takes `NaN` for no time at all, and `{ second: 1 }`, too. */
export const durationOf = (value: unknown): Duration.Duration | undefined => {
  const duration = Option.getOrUndefined(Duration.fromInput(value as Duration.Input))
  if (duration === undefined || !Duration.isZero(duration) || Duration.isDuration(value)) return duration
  const numbers = typeof value === "object" ? Object.values(value as object) : [value]
  return numbers.some((n) => typeof n === "number" && !(Math.abs(n) < 1)) ? undefined : duration
}

const isDuration: Check<Duration.Input> = /* @__PURE__ */ must(
  'a duration of at least 0, like "5 seconds"',
  (value) => {
    const parsed = durationOf(value)
    return parsed !== undefined && Duration.toMillis(parsed) >= 0
  }
)

export const duration: Check<Duration.Duration, Duration.Input> = (subject, option, value) =>
  Duration.fromInputUnsafe(isDuration(subject, option, value))

export const oneOf = <A extends string>(...values: ReadonlyArray<A>): Check<A> =>
  must(values.map(show).join(" or "), (value) => values.includes(value))

export const boolean: Check<boolean> = /* @__PURE__ */ must(
  "a boolean",
  (value) => typeof value === "boolean",
  TypeError
)

export const schedule: Check<NonNullable<InstanceInput["restart"]>> = /* @__PURE__ */ must(
  "a Schedule, like Schedule.recurs(3)",
  (value) => Schedule.isSchedule(value),
  TypeError
)

const retry: Check<boolean | Function> = /* @__PURE__ */ must(
  "true, false or a function of the error",
  (value) => typeof value === "boolean" || typeof value === "function",
  TypeError
)

const name: Check<string> = /* @__PURE__ */ must(
  "a string that is not blank",
  (value) => typeof value === "string" && value.trim() !== ""
)

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/** What is looked at together with other options. */
const asItIs: Check = (_subject, _option, value) => value

const byName: Check = /* @__PURE__ */ must("an object, with one entry for each name", isRecord, TypeError)

/** The options that there are, as keys: the compiler sees to it that none is forgotten. */
export type Known<O> = { readonly [K in keyof O]-?: unknown }

/** The same, with what each has to be. */
type Checks<O> = { readonly [K in keyof O]-?: Check<any, any> }

/** Without this, a misspelt option in untyped code would be ignored, and so would a number in place of all options. */
export const onlyKnown = <O extends object>(subject: string, given: O, known: Known<O>): void => {
  if (!isRecord(given)) {
    const [first] = Object.keys(known)
    throw new TypeError(`${subject}: options go in an object, like { ${first}: ... }, but got ${show(given)}`)
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return
  throw new TypeError(`${subject}: there is no option "${unknown}"; the options are ${Object.keys(known).join(", ")}`)
}

/** Spread where a module loads, an object stays in bundles that use nothing of it. */
const and = <A, B>(some: A, more: B): A & B => ({ ...some, ...more })

const ofCalls: Checks<TaskOptions> = {
  maxConcurrency: limit,
  maxPendingCalls: limit,
  overflow: /* @__PURE__ */ oneOf("fail", "suspend"),
  maxTaskRetries: count,
  retry
}

const ofInstances: Checks<ActorOptions<unknown, string>> = /* @__PURE__ */ and(ofCalls, {
  shutdownTimeout: duration,
  onDefect: /* @__PURE__ */ oneOf("resume", "restart", "stop"),
  restart: schedule,
  validate: boolean,
  concurrencyGroups: byName,
  methodOptions: byName
})

interface Guards {
  readonly middleware?: ReadonlyArray<Any>
}

export const middleware: Check<ReadonlyArray<Any>> = /* @__PURE__ */ must(
  "an array of classes made with ActorMiddleware.Service, each of them once",
  (all) =>
    Array.isArray(all) &&
    all.every((one) => typeof one?.key === "string" && one.at !== undefined) &&
    new Set(all.map(({ key }) => key)).size === all.length,
  TypeError
)

export const ofActors: Checks<ActorOptions<unknown, string> & NameOptions & Guards> = /* @__PURE__ */ and(ofInstances, {
  name,
  getIfExists: asItIs,
  middleware
})

export const ofKeyed: Checks<ActorOptions<unknown, string> & KeyedOptions & Guards> = /* @__PURE__ */ and(ofInstances, {
  middleware,
  idleTimeToLive: duration,
  maxInstances: limit
})

export const ofTasks: Checks<TaskOptions & TaskSchemas<any, any, any>> = /* @__PURE__ */ and(ofCalls, {
  args: asItIs,
  success: asItIs,
  error: asItIs
})

const ofMethods: Checks<MethodOptions<string>> = {
  concurrencyGroup: asItIs,
  maxTaskRetries: count,
  retry,
  timeout: duration,
  name
}

const ofTheCall: Checks<CallOptions<string>> = /* @__PURE__ */ and(ofMethods, {
  signal: /* @__PURE__ */ must<AbortSignalLike>(
    "an AbortSignal",
    (value) => typeof value?.aborted === "boolean" && typeof value.addEventListener === "function",
    TypeError
  )
})

const DEFAULT_SHUTDOWN_TIMEOUT = /* @__PURE__ */ Duration.seconds(5)

/** What options are unless given. For async actors Ray has as many permits. */
const defaults = (input: Input) => ({
  maxConcurrency: 1000,
  maxPendingCalls: Infinity,
  overflow: "fail",
  shutdownTimeout: DEFAULT_SHUTDOWN_TIMEOUT,
  onDefect: input.restart === undefined ? "resume" : "restart",
  // Five restarts, the first after 100 ms, each after twice as long.
  restart:
    input.onDefect === "restart" ? Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(5)]) : undefined,
  maxTaskRetries: 0,
  retry: false,
  validate: false,
  concurrencyGroups: undefined,
  methodOptions: {},
  name: undefined,
  getIfExists: false,
  middleware: undefined
})

/** Checks `input` and fills in the defaults. `actor` is named in errors, and `known` are the options that it can have. */
export const normalize = (actor: string, input: Input & Groups, known: Known<any>): InstanceOptions => {
  onlyKnown(actor, input, known)
  // Only what is given is looked at: `options({...})` may be written once for each instance.
  const options: any = defaults(input)
  for (const [option, value] of Object.entries(input)) {
    if (value === undefined || value === null || !(option in options)) continue
    options[option] = (ofActors as Checks<any>)[option]!(actor, option, value)
  }
  const { concurrencyGroups, getIfExists, methodOptions: own, name }: InstanceOptions = options
  if (concurrencyGroups !== undefined) checkGroups(actor, concurrencyGroups)
  if (getIfExists && name === undefined) throw new RangeError(`${actor}: getIfExists needs a name, and there is none`)
  const methods = Object.entries(own)
  if (methods.every(([, own]) => own?.maxTaskRetries === undefined)) retryNeedsTimes(actor, input)
  for (const [method, own] of methods) {
    checkGroup(actor, concurrencyGroups, own?.concurrencyGroup)
    methodOptions(`${actor}.${method}`, own === undefined ? {} : own)
    retryNeedsTimes(`${actor}.${method}`, { ...own, maxTaskRetries: own?.maxTaskRetries ?? input.maxTaskRetries })
  }
  return options
}

/** `retry` without a number of times would do nothing, and the user would not notice. */
export const retryNeedsTimes = (subject: string, given: Pick<MethodOptions, "retry" | "maxTaskRetries">): void => {
  if (!given.retry || given.maxTaskRetries !== undefined) return
  throw new RangeError(
    `${subject}: retry says which failures run a call again, and maxTaskRetries how often: give both`
  )
}

interface Groups {
  readonly concurrencyGroups?: InstanceOptions["concurrencyGroups"]
  readonly methodOptions?: Readonly<Record<string, MethodOptions<string> | undefined>> | undefined
}

/** Checks options of a method. `subject` is named in errors. */
export const methodOptions = (subject: string, options: MethodOptions<string>): void =>
  check(subject, options, ofMethods)

/** Checks options of single calls. */
export const callOptions = (subject: string, options: CallOptions<string>): void => check(subject, options, ofTheCall)

const check = <O extends object>(subject: string, options: O, checks: Checks<O>): void => {
  onlyKnown(subject, options, checks)
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined) (checks as Checks<any>)[option]!(subject, option, value)
  }
}

const checkGroups = (actor: string, groups: NonNullable<InstanceOptions["concurrencyGroups"]>): void => {
  const groupOf = new Map<string, string>()
  for (const [group, own] of Object.entries(groups)) {
    onlyKnown(`${actor}: concurrencyGroups.${group}`, own, ofGroups)
    const { maxConcurrency, methods } = own
    limit(actor, `concurrencyGroups.${group}.maxConcurrency`, maxConcurrency)
    areNames(actor, `concurrencyGroups.${group}.methods`, methods)
    for (const method of methods) {
      const other = groupOf.get(method)
      if (other !== undefined) {
        throw new RangeError(`${actor}: method "${method}" is in two concurrency groups, "${other}" and "${group}"`)
      }
      groupOf.set(method, group)
    }
  }
}

const ofGroups: Known<ConcurrencyGroup> = { maxConcurrency: true, methods: true }

const areNames: Check<ReadonlyArray<string>> = /* @__PURE__ */ must("an array of names", Array.isArray, TypeError)

/** A concurrency group that calls are to run in has to exist, and to be here. */
export const checkGroup = (
  actor: string,
  groups: InstanceOptions["concurrencyGroups"],
  group: string | undefined,
  elsewhere = false
): void => {
  if (group === undefined || (groups !== undefined && Object.hasOwn(groups, group))) return
  if (elsewhere) {
    throw new RangeError(
      `${actor}: a call cannot choose the concurrency group "${group}", since its instance lives elsewhere. Put the method into the group where the actor is implemented: concurrencyGroups`
    )
  }
  const known = groups === undefined ? "it has none" : `it has ${Object.keys(groups).join(", ")}`
  throw new RangeError(`${actor}: there is no concurrency group "${group}", ${known}`)
}
