/**
 * What it costs to type-check 100 actors of 10 methods with their uses, by TypeScript 7, beside other declarations of the
 * same methods: against the declarations of core that users install, which are built first, and in CPU time, since the
 * compiler uses all cores.
 */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { promisify } from "node:util"
import type { Options } from "../harness.ts"
import { summary } from "../harness.ts"
import type { Report } from "../report.ts"

const ACTORS = 100
const METHODS = 10

const range = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

const each = (text: (method: number) => string): string => range(METHODS).map(text).join("\n")

/** Every method has an argument and a result of its own, and an error. */
const errors = each((m) => `export class E${m} extends Data.TaggedError("E${m}")<{ readonly m${m}: number }> {}`)

const implementation = each(
  (m) =>
    `    m${m}: (a: number, b: { readonly text: string }) => a < 0 ? Effect.fail(new E${m}({ m${m}: a })) : Effect.succeed({ r${m}: b.text }),`
)

/** One file for each declaration, with its implementation and the program that uses it. */
const files: Readonly<Record<string, (actor: number) => string>> = {
  "effect alone": () => `import { Effect } from "effect"
export const program = Effect.succeed(1)
`,
  "Context.Service": (actor) => `import { Context, Data, Effect, Layer } from "effect"
${errors}
export class A${actor} extends Context.Service<A${actor}, {
${each((m) => `  readonly m${m}: (a: number, b: { readonly text: string }) => Effect.Effect<{ readonly r${m}: string }, E${m}>`)}
}>()("bench/A${actor}") {
  static readonly layer = Layer.succeed(A${actor})({
${implementation}
  })
}
export const program = Effect.gen(function* () {
  const service = yield* A${actor}
${each((m) => `  const r${m} = yield* service.m${m}(${m}, { text: "${m}" })\n  const t${m}: string = r${m}.r${m}`)}
  return t0
})
`,
  "effect/rpc": (actor) => `import { Effect, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup } from "effect/rpc"
${each((m) => `export class E${m} extends Schema.TaggedError<E${m}>()("E${m}", { m${m}: Schema.Number }) {}`)}
export class A${actor} extends RpcGroup.make(
${each((m) => `  Rpc.make("m${m}", { payload: { a: Schema.Number, text: Schema.String }, success: Schema.Struct({ r${m}: Schema.String }), error: E${m} }),`)}
) {}
export const layer = A${actor}.toLayer({
${each((m) => `    m${m}: ({ a, text }) => a < 0 ? Effect.fail(new E${m}({ m${m}: a })) : Effect.succeed({ r${m}: text }),`)}
})
export const program = Effect.gen(function* () {
  const client = yield* RpcClient.make(A${actor})
${each((m) => `  const r${m} = yield* client.m${m}({ a: ${m}, text: "${m}" })\n  const t${m}: string = r${m}.r${m}`)}
  return t0
})
`,
  troupe: (actor) => `import { Actor } from "@troupe/core"
import { Data, Effect } from "effect"
${errors}
export class A${actor} extends Actor.Service<A${actor}>()("bench/A${actor}", {
  make: Effect.sync(() => ({
${implementation}
  }))
}) {}
export const program = Effect.gen(function* () {
  const actor = yield* A${actor}
${each((m) => `  const r${m} = yield* actor.m${m}(${m}, { text: "${m}" })\n  const t${m}: string = r${m}.r${m}`)}
  const ref = yield* actor.m0.remote(0, { text: "0" })
  return (yield* ref).r0 + t0
})
`
}

const root = path.resolve(import.meta.dirname, "../..")
const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")
const run = promisify(execFile)

interface Cost {
  /** CPU time, of all threads of the compiler. */
  readonly seconds: number
  readonly instantiations: number
}

/** What users install, who have no sources of core. */
const build = () => run(process.execPath, [compiler, "-p", path.join(root, "packages/core/tsconfig.build.json")])

/** The shell prints its own times, then those of what it ran. */
const timed = ['"$@" || exit 1; times', "sh", process.execPath, compiler, "--extendedDiagnostics", "--pretty", "false"]

/** A program with an error would be checked faster than it should be, and is refused. */
const check = async (folder: string): Promise<Cost> => {
  const { stdout } = await run("sh", ["-c", ...timed, "-p", folder]).catch(({ stdout }) => {
    throw new Error(`the program is wrong:\n${stdout.slice(0, 1000)}`)
  })
  const times = stdout.trim().split("\n").at(-1)!
  return {
    seconds: [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0),
    instantiations: Number(/Instantiations:\s+(\d+)/.exec(stdout)![1])
  }
}

export const types = async ({ progress, quick, rounds }: Options): Promise<Report> => {
  // Inside of the repository, so that the programs find their packages.
  const temporary = path.resolve(import.meta.dirname, "../.tmp")
  mkdirSync(temporary, { recursive: true })
  const folder = mkdtempSync(path.join(temporary, "types-"))
  const costs = new Map<string, Array<Cost>>()
  try {
    progress("building core")
    await build()
    for (const [name, file] of Object.entries(files)) {
      const project = path.join(folder, name.replaceAll(/\W/g, "-"))
      mkdirSync(project)
      for (const actor of range(quick ? ACTORS / 10 : ACTORS))
        writeFileSync(path.join(project, `a${actor}.ts`), file(actor))
      writeFileSync(
        path.join(project, "tsconfig.json"),
        JSON.stringify({
          extends: path.join(root, "tsconfig.base.json"),
          compilerOptions: { types: ["node"], noUnusedLocals: false, customConditions: [] },
          include: ["*.ts"]
        })
      )
      costs.set(name, [])
    }
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      for (const [name, of] of costs) {
        progress(`${name}, round ${round + 1}`)
        of.push(await check(path.join(folder, name.replaceAll(/\W/g, "-"))))
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const seconds = (name: string) => summary(costs.get(name)!.map((cost) => cost.seconds)).median
  return {
    tables: [
      {
        title: `types: TypeScript 7 checks ${quick ? ACTORS / 10 : ACTORS} declarations of ${METHODS} methods, with implementations and uses`,
        columns: ["declared by", "CPU s", "without effect's own", "instantiations"],
        lines: [...costs].map(([name, [first]]) => ({
          name,
          cells: [seconds(name), seconds(name) - seconds("effect alone"), first!.instantiations]
        }))
      }
    ],
    targets: [
      {
        what: "types: CPU seconds for 100 actors of 10 methods, without effect's own",
        figure: quick ? undefined : seconds("troupe") - seconds("effect alone"),
        limit: 2,
        rule: "at most"
      }
    ]
  }
}
