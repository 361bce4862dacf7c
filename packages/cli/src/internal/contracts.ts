/**
 * `troupe contracts <module>`: the contracts that a module exports, as JSON, and whether their changes roll out.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as ContractShape from "@troupe/core/ContractShape"
import * as Console from "effect/Console"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ContractsError } from "../ContractsError.ts"

/** The form of the file. */
const VERSION = 1

type Shapes = ReadonlyArray<ContractShape.ContractShape>

const flags = {
  modules: Argument.String("module").pipe(
    Argument.withDescription("Files or packages that export contracts, made by Actor.Keyed, Actor.Service or Contract"),
    Argument.variadic({ min: 1 })
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withDescription("The file to write (default: the standard output)"),
    Flag.optional
  ),
  check: Flag.String("check").pipe(
    Flag.withDescription("A file of the version that is deployed: fails if a change since then does not roll out"),
    Flag.optional
  )
}

interface Input {
  readonly modules: ReadonlyArray<string>
  readonly out: Option.Option<string>
  readonly check: Option.Option<string>
}

export const command = Command.make("contracts", flags).pipe(
  Command.withDescription(
    "Write the contracts of your actors to a file, or tell whether their changes roll out while both versions run"
  ),
  Command.withHandler(({ check, modules, out }: Input) =>
    Effect.gen(function* () {
      const shapes = yield* shapesOf(modules)
      if (Option.isSome(out)) yield* write(out.value, shapes)
      if (Option.isSome(check)) yield* checkSince(check.value, shapes)
      else if (Option.isNone(out)) yield* Console.log(textOf(shapes))
    })
  )
)

// --- modules -----------------------------------------------------------------------------------------------------------

const shapesOf = (modules: ReadonlyArray<string>): Effect.Effect<Shapes, ContractsError> =>
  Effect.gen(function* () {
    const found = new Map<string, ContractShape.ContractShape>()
    for (const module of modules) {
      const before = found.size
      for (const contract of contractsIn(yield* load(module))) {
        const shape = ContractShape.of(contract)
        const other = found.get(shape.actor)
        if (other !== undefined && ContractShape.hash(other) !== ContractShape.hash(shape)) {
          return yield* fail(`${module}: two different contracts have the id ${shape.actor}`)
        }
        found.set(shape.actor, shape)
      }
      if (found.size === before) return yield* fail(`${module} exports no contract: export the classes of your actors`)
    }
    return [...found.values()].sort((one, other) => (one.actor < other.actor ? -1 : 1))
  })

const load = (module: string): Effect.Effect<object, ContractsError> => {
  const isPath = /^[./]|\.[cm]?[jt]s$|^[a-z]:\\/i.test(module)
  return Effect.tryPromise({
    try: () => import(isPath ? pathToFileURL(resolve(module)).href : module),
    catch: (cause) => new ContractsError({ message: `${module} cannot be imported: ${messageOf(cause)}` })
  })
}

type Contract = Parameters<typeof ContractShape.of>[0]

/** The classes that a module exports by name, and those in the objects that it exports: a module of CommonJS is one. */
const contractsIn = (exports: object): ReadonlyArray<Contract> => {
  const found = new Set<Contract>()
  const look = (value: any, depth: number): void => {
    if (isContract(value)) found.add(value)
    else if (depth > 0 && isPlain(value)) for (const each of Object.values(value)) look(each, depth - 1)
  }
  look(exports, 2)
  return [...found]
}

const isContract = (value: any): value is Contract =>
  typeof value === "function" &&
  typeof value.key === "string" &&
  typeof value.methods === "object" &&
  value.methods !== null &&
  Object.values(value.methods).every((method: any) => method?.["~troupe/ContractMethod"] === true)

const isPlain = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value))

// --- files -------------------------------------------------------------------------------------------------------------

const textOf = (contracts: Shapes): string => JSON.stringify({ version: VERSION, contracts }, null, 2)

const write = (file: string, shapes: Shapes): Effect.Effect<void, ContractsError> =>
  Effect.try({
    try: () => writeFileSync(file, `${textOf(shapes)}\n`),
    catch: (cause) => new ContractsError({ message: `${file} cannot be written: ${messageOf(cause)}` })
  })

const read = (file: string): Effect.Effect<Shapes, ContractsError> =>
  Effect.try({
    try: () => {
      const { contracts, version } = JSON.parse(readFileSync(file, "utf8"))
      if (version !== VERSION || !Array.isArray(contracts)) throw new Error("it was not written by troupe contracts")
      return contracts as Shapes
    },
    catch: (cause) => new ContractsError({ message: `${file} cannot be read: ${messageOf(cause)}` })
  })

// --- changes -----------------------------------------------------------------------------------------------------------

const checkSince = (file: string, newer: Shapes): Effect.Effect<void, ContractsError> =>
  Effect.gen(function* () {
    const changes = ContractShape.compare(yield* read(file), newer)
    const order = ContractShape.orderOf(changes)
    const lines = changes.map((change) => `- ${NEEDS[change.order]}: ${ContractShape.describe(change)}`)
    if (order === "never") return yield* fail([verdictOf(changes, file), ...lines].join("\n"))
    yield* Console.log([`${ROLLS[order]} (since ${file}).`, ...lines].join("\n"))
  })

const NEEDS = {
  any: "in any order",
  nodesFirst: "nodes first",
  callersFirst: "callers first",
  never: "does not roll out"
} as const

const ROLLS = {
  any: "All changes roll out in any order",
  nodesFirst: "All changes roll out if you replace the nodes first, then the programs that only call them",
  callersFirst: "All changes roll out if you replace the programs that only call nodes first, then the nodes"
} as const

const verdictOf = (changes: ReadonlyArray<ContractShape.Change>, file: string): string =>
  changes.some(({ order }) => order === "never")
    ? `These changes since ${file} do not roll out while both versions run:`
    : `These changes since ${file} need different orders. Put those that need nodes first into one release, and the others into the next:`

const fail = (message: string) => Effect.fail(new ContractsError({ message }))

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
