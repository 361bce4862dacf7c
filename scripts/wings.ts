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

/** The wings of a package, lowest first: each may import those before it. */
const ordered: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: ["base", "call", "refs", "instance", "handle", "kinds", "system"]
}

/** Wings whose order is not laid down. */
const unordered: Readonly<Record<string, ReadonlyArray<string>>> = {
  worker: ["owner", "thread", "wire"],
  cluster: ["engine.ts", "calls", "node", "net", "state", "reminders", "sql"],
  inspector: ["server", "live", "trace", "terminal"]
}

/** Parts of Effect that change more often than the rest, and the files that alone may import them. */
const doors: Readonly<Record<string, string>> = {
  "effect/cluster": "^packages/cluster/src/internal/engine.ts$",
  "effect/rpc": "^packages/cluster/src/internal/engine.ts$",
  "effect/workers": "^$"
}

/** The public modules that a wing may take values from: they import next to nothing themselves. Types it may take from all. */
const leaves = "ActorError|ActorContext|Driver"

const wingsOf = (name: string, wings: ReadonlyArray<string>): string =>
  `^packages/${name}/src/internal/(${wings.join("|")})(/|$)`

const inOrder = ([name, wings]: readonly [string, ReadonlyArray<string>]) =>
  wings.slice(0, -1).map((wing, index) => ({
    name: `${name}: ${wing} is below ${wings.slice(index + 1).join(", ")}`,
    severity: "error",
    from: { path: wingsOf(name, [wing]) },
    to: { path: wingsOf(name, wings.slice(index + 1)) }
  }))

const noKnot = (name: string) => ({
  name: `${name}: no cycle within internal, by types neither`,
  severity: "error",
  from: { path: `^packages/${name}/src/internal/` },
  to: { circular: true, viaOnly: { path: `^packages/${name}/src/internal/` } }
})

const noCycleOfWings = ([name, wings]: readonly [string, ReadonlyArray<string>]) => ({
  name: `${name}: no cycle of wings`,
  severity: "error",
  scope: "folder",
  from: { path: `^packages/${name}/src/internal/(${wings.join("|")})` },
  to: { circular: true }
})

const noCycleOfValues = {
  name: "no cycle of values",
  severity: "error",
  // The inspector has one: its owner breaks it.
  from: { pathNot: "^packages/inspector/" },
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

const throughDoors = Object.entries(doors).map(([module, only]) => ({
  name: `${module} has one door`,
  severity: "error",
  from: { pathNot: only },
  to: { path: `(^|node_modules/)${module}(/|$)|node_modules/${module.replace("/", "/(dist|src)/")}/` }
}))

const forbidden = [
  ...Object.entries(ordered).flatMap(inOrder),
  ...Object.keys(ordered).map(noKnot),
  ...Object.entries(unordered).map(noCycleOfWings),
  noCycleOfValues,
  valuesFromLeaves,
  ...throughDoors
]

const { cruise } = await import("dependency-cruiser")
const { output } = await cruise(
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
