// Holds imports to the wings of each package: `npm run lint` runs it. Type imports count as others do.
//
// The work is dependency-cruiser's. It reads TypeScript with the compiler's API, which TypeScript 7 does not have, so it
// is given the version 6 that is here for the type tests.
import { registerHooks } from "node:module"
import path from "node:path"

process.chdir(path.resolve(import.meta.dirname, ".."))

registerHooks({
  resolve: (specifier, context, next) =>
    context.parentURL?.includes("/dependency-cruiser/") === true && /^typescript(\/package\.json)?$/.test(specifier)
      ? next(specifier.replace("typescript", "typescript-6"), context)
      : next(specifier, context)
})

/** What knows nothing of each other: one wing, or several at the same height. */
type Level = string | ReadonlyArray<string>

/**
 * The wings of each package, lowest first: each may import those before it. A wing is a folder or a file of `internal`;
 * each of them must be here.
 */
const ordered: Readonly<Record<string, ReadonlyArray<Level>>> = {
  core: ["base", "call", "refs", "instance", "handle", "kinds", "system"],
  worker: ["platform", "values", "wire", ["owner", "thread"]],
  cluster: [
    "base",
    "engine.ts",
    "engineInternals.ts",
    "wire",
    ["net", "sql"],
    "calls",
    ["state", "reminders", "node"],
    "view",
    ["home", "command"],
    "simulation"
  ],
  remote: ["engine.ts", "wire", ["client", "server"]],
  inspector: ["base", ["live", "trace"], ["server", "terminal"]],
  testing: [
    ["effectNames.ts", "plan.ts", "random.ts", "realTime.ts", "show.ts"],
    ["effectInternals.ts", "linearize.ts", "minimise.ts", "thread.ts"],
    "strategy.ts",
    "turns.ts",
    "scheduler.ts",
    ["clock.ts", "watch.ts"],
    "trace.ts",
    "exploration.ts",
    ["source.ts", "run.ts"],
    "print.ts",
    "explore.ts"
  ]
}

interface Door {
  /** The file that may import it. */
  readonly file: string
  /** Public modules that may name its types: what is public is told by public names. */
  readonly named?: string
}

/** Parts of Effect that change more often than the rest, and the files that alone may import them. */
const doors: Readonly<Record<string, Door>> = {
  "effect/cluster": {
    file: "^packages/cluster/src/internal/engine.ts$",
    named: "^packages/cluster/src/ClusterHome.ts$"
  },
  "effect/rpc": {
    file: "^packages/(cluster|remote)/src/internal/(server/)?engine.ts$",
    named: "^packages/remote/src/RemoteHome.ts$"
  },
  "effect/workers": { file: "^$" }
}

/** The public modules that a wing may take values from: they import next to nothing themselves. Types it may take from all. */
const leaves = "ActorError|ActorContext|Driver"

const wingsOf = (name: string, wings: ReadonlyArray<string>): string =>
  `^packages/${name}/src/internal/(${wings.join("|")})(/|$)`

const inOrder = ([name, levels]: readonly [string, ReadonlyArray<Level>]) =>
  levels.flatMap((level, index) => {
    const above = levels.slice(index + 1).flat()
    return [level].flat().flatMap((wing, _, beside) => {
      const unknown = [...beside.filter((other) => other !== wing), ...above]
      if (unknown.length === 0) return []
      return {
        name: `${name}: ${wing} does not know ${unknown.join(", ")}`,
        severity: "error",
        from: { path: wingsOf(name, [wing]) },
        to: { path: wingsOf(name, unknown) }
      }
    })
  })

const inWings = ([name, levels]: readonly [string, ReadonlyArray<Level>]) => ({
  name: `${name}: all of internal is in a wing that scripts/wings.ts knows`,
  severity: "error",
  from: {},
  to: { path: `^packages/${name}/src/internal/`, pathNot: wingsOf(name, levels.flat()) }
})

const noKnot = (name: string) => ({
  name: `${name}: no cycle within internal, by types neither`,
  severity: "error",
  from: { path: `^packages/${name}/src/internal/` },
  to: { circular: true, viaOnly: { path: `^packages/${name}/src/internal/` } }
})

const noCycleOfValues = {
  name: "no cycle of values",
  severity: "error",
  from: {},
  to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } }
}

const valuesFromLeaves = {
  name: "core: internals take values from no public module but the leaves",
  severity: "error",
  from: { path: "^packages/core/src/internal/" },
  to: {
    path: "^packages/core/src/[^/]+$",
    pathNot: `/(${leaves}).ts$`,
    dependencyTypesNot: ["type-only"]
  }
}

const throughDoors = Object.entries(doors).flatMap(([module, { file, named = "^$" }]) => {
  const path = `(^|node_modules/)${module}(/|$)|node_modules/${module.replace("/", "/(dist|src)/")}/`
  return [
    { name: `${module} has one door`, severity: "error", from: { pathNot: `${file}|${named}` }, to: { path } },
    {
      name: `${module}: a public module names its types, and takes no values`,
      severity: "error",
      from: { path: named },
      to: { path, dependencyTypesNot: ["type-only"] }
    }
  ]
})

const forbidden = [
  ...Object.entries(ordered).flatMap(inOrder),
  ...Object.entries(ordered).map(inWings),
  ...Object.keys(ordered).map(noKnot),
  noCycleOfValues,
  valuesFromLeaves,
  ...throughDoors
]

const { cruise } = await import("dependency-cruiser")
const { exitCode, output } = await cruise(
  ["packages"],
  {
    ruleSet: { forbidden },
    validate: true,
    includeOnly: "^(packages/[^/]+/src/|node_modules/effect/)",
    doNotFollow: "node_modules",
    tsPreCompilationDeps: true,
    detectTypeImports: true,
    outputType: "err"
  } as any,
  { exportsFields: ["exports"], conditionNames: ["@troupe/source", "import", "types"] } as any
)
console.log(output)
if (exitCode > 0) process.exitCode = 1
