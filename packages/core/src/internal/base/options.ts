/**
 * The options of an instance, with their defaults, checked where they are written.
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type {
  ActorOptions,
  InstanceOptions as InstanceInput,
  KeyedOptions,
  MethodOptions,
  NameOptions
} from "../../Actor.ts"
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
}

export interface ConcurrencyGroup {
  readonly maxConcurrency: number
  readonly methods: ReadonlyArray<string>
}

/** Ray's default for async actors. */
const DEFAULT_MAX_CONCURRENCY = 1000
const DEFAULT_SHUTDOWN_TIMEOUT = Duration.seconds(5)
/** What `onDefect: "restart"` does unless told otherwise: five restarts, the first after 100 ms, each after twice as long. */
const defaultRestart = Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(5)])

/** The options that there are, as keys: the compiler sees to it that none is forgotten. */
export type Known<O> = { readonly [K in keyof O]-?: true }

/** Without this, a misspelt option in untyped code would be ignored. */
export const onlyKnown = <O extends object>(subject: string, given: O, known: Known<O>): void => {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return
  throw new TypeError(`${subject}: there is no option "${unknown}"; the options are ${Object.keys(known).join(", ")}`)
}

const ofCalls: Known<TaskOptions> = {
  maxConcurrency: true,
  maxPendingCalls: true,
  overflow: true,
  maxTaskRetries: true,
  retry: true
}

const ofInstances: Known<ActorOptions<unknown, string>> = {
  ...ofCalls,
  shutdownTimeout: true,
  onDefect: true,
  restart: true,
  validate: true,
  concurrencyGroups: true,
  methodOptions: true
}

export const ofActors: Known<ActorOptions<unknown, string> & NameOptions> = {
  ...ofInstances,
  name: true,
  getIfExists: true
}

export const ofKeyed: Known<ActorOptions<unknown, string> & KeyedOptions> = {
  ...ofInstances,
  idleTimeToLive: true,
  maxInstances: true
}

export const ofTasks: Known<TaskOptions & TaskSchemas<any, any, any>> = {
  ...ofCalls,
  args: true,
  success: true,
  error: true
}

/** Checks `input` and fills in the defaults. `actor` is named in errors, and `known` are the options that it can have. */
export const normalize = (actor: string, input: Input & Groups, known: Known<any>): InstanceOptions => {
  onlyKnown(actor, input, known)
  const restart = schedule(actor, input.restart) ?? (input.onDefect === "restart" ? defaultRestart : undefined)
  const options: InstanceOptions = {
    maxConcurrency: limit(actor, "maxConcurrency", input.maxConcurrency ?? DEFAULT_MAX_CONCURRENCY),
    maxPendingCalls: limit(actor, "maxPendingCalls", input.maxPendingCalls ?? Infinity),
    overflow: oneOf(actor, "overflow", ["fail", "suspend"], input.overflow ?? "fail"),
    concurrencyGroups: input.concurrencyGroups && groups(actor, input.concurrencyGroups),
    methodOptions: mapValues(input.methodOptions ?? {}, (options, method) => {
      checkGroup(actor, input.concurrencyGroups, options?.concurrencyGroup)
      return methodOptions(`${actor}.${method}`, options)
    }),
    shutdownTimeout: duration(actor, "shutdownTimeout", input.shutdownTimeout ?? DEFAULT_SHUTDOWN_TIMEOUT),
    onDefect: oneOf(
      actor,
      "onDefect",
      ["resume", "restart", "stop"],
      input.onDefect ?? (restart ? "restart" : "resume")
    ),
    restart: restart as InstanceOptions["restart"],
    maxTaskRetries: count(actor, "maxTaskRetries", input.maxTaskRetries ?? 0),
    retry: retry(actor, input.retry ?? false),
    validate: boolean(actor, "validate", input.validate ?? false),
    name: input.name === undefined ? undefined : name(actor, input.name),
    getIfExists: getIfExists(actor, input)
  }
  const ofMethods = Object.entries(input.methodOptions ?? {})
  if (ofMethods.every(([, own]) => own?.maxTaskRetries === undefined)) retryNeedsTimes(actor, input)
  for (const [method, own] of ofMethods) {
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
  readonly concurrencyGroups?: Readonly<Record<string, ConcurrencyGroup>> | undefined
  readonly methodOptions?: Readonly<Record<string, MethodOptions<string> | undefined>> | undefined
}

const ofMethods: Known<MethodOptions<string>> = {
  concurrencyGroup: true,
  maxTaskRetries: true,
  retry: true,
  timeout: true,
  name: true
}

/** Checks options of a method. `subject` is named in errors. */
export const methodOptions = (
  subject: string,
  options: MethodOptions<string> | undefined
): MethodOptions<string> | undefined => {
  if (options !== undefined) onlyKnown(subject, options, ofMethods)
  if (options?.maxTaskRetries !== undefined) count(subject, "maxTaskRetries", options.maxTaskRetries)
  if (options?.timeout !== undefined) duration(subject, "timeout", options.timeout)
  if (options?.retry !== undefined) retry(subject, options.retry)
  if (options?.name !== undefined) name(subject, options.name)
  return options
}

/** A number of permits: an integer of at least 1, or `Infinity` (semantics 2.4). */
export const limit = (subject: string, option: string, value: number): number => {
  if (value === Infinity || (Number.isInteger(value) && value >= 1)) return value
  throw new RangeError(`${subject}: ${option} must be an integer of at least 1, or Infinity, but is ${show(value)}`)
}

const count = (subject: string, option: string, value: number): number => {
  if (value === Infinity || (Number.isInteger(value) && value >= 0)) return value
  throw new RangeError(`${subject}: ${option} must be an integer of at least 0, or Infinity, but is ${show(value)}`)
}

export const duration = (subject: string, option: string, value: Duration.Input): Duration.Duration => {
  const parsed = Option.getOrUndefined(Duration.fromInput(value))
  if (parsed !== undefined && !(Duration.toMillis(parsed) < 0)) return parsed
  throw new RangeError(
    `${subject}: ${option} must be a duration of at least 0, like "5 seconds", but is ${show(value)}`
  )
}

export const oneOf = <A extends string>(subject: string, option: string, values: ReadonlyArray<A>, value: A): A => {
  if (values.includes(value)) return value
  throw new RangeError(`${subject}: ${option} must be ${values.map(show).join(" or ")}, but is ${show(value)}`)
}

const boolean = (subject: string, option: string, value: boolean): boolean => {
  if (typeof value === "boolean") return value
  throw new TypeError(`${subject}: ${option} must be a boolean, but is ${show(value)}`)
}

export const schedule = (actor: string, value: Input["restart"]): Input["restart"] => {
  if (value === undefined || Schedule.isSchedule(value)) return value
  throw new TypeError(`${actor}: restart must be a Schedule, like Schedule.recurs(3), but is ${show(value)}`)
}

const retry = (subject: string, value: NonNullable<Input["retry"]>): NonNullable<Input["retry"]> => {
  if (typeof value === "boolean" || typeof value === "function") return value
  throw new TypeError(`${subject}: retry must be true, false or a function of the error, but is ${show(value)}`)
}

const name = (actor: string, value: string): string => {
  if (typeof value === "string" && value.trim() !== "") return value
  throw new RangeError(`${actor}: name must be a string that is not blank, but is ${show(value)}`)
}

/** How many instances to start: an integer of at least 1. */
export const size = (subject: string, option: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${subject}: ${option} must be an integer of at least 1, but is ${show(value)}`)
}

const getIfExists = (actor: string, { getIfExists = false, name }: Input): boolean => {
  if (!getIfExists || name !== undefined) return getIfExists
  throw new RangeError(`${actor}: getIfExists needs a name, and there is none`)
}

const groups = (
  actor: string,
  input: Readonly<Record<string, ConcurrencyGroup>>
): Readonly<Record<string, ConcurrencyGroup>> => {
  const groupOf = new Map<string, string>()
  for (const [group, own] of Object.entries(input)) {
    const { maxConcurrency, methods } = own
    onlyKnown(`${actor}: concurrencyGroups.${group}`, own, { maxConcurrency: true, methods: true })
    limit(actor, `concurrencyGroups.${group}.maxConcurrency`, maxConcurrency)
    if (!Array.isArray(methods)) {
      throw new TypeError(
        `${actor}: concurrencyGroups.${group}.methods must be an array of names, but is ${show(methods)}`
      )
    }
    for (const method of methods) {
      const other = groupOf.get(method)
      if (other !== undefined) {
        throw new RangeError(`${actor}: method "${method}" is in two concurrency groups, "${other}" and "${group}"`)
      }
      groupOf.set(method, group)
    }
  }
  return input
}

/** A concurrency group that calls are to run in has to exist. */
export const checkGroup = (
  actor: string,
  groups: InstanceOptions["concurrencyGroups"],
  group: string | undefined
): void => {
  if (group === undefined || (groups !== undefined && Object.hasOwn(groups, group))) return
  const known = groups === undefined ? "it has none" : `it has ${Object.keys(groups).join(", ")}`
  throw new RangeError(`${actor}: there is no concurrency group "${group}", ${known}`)
}

const mapValues = <A, B>(self: Readonly<Record<string, A>>, f: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(self).map(([key, value]) => [key, f(value, key)]))
