/** Plugins of Stryker: a checker that lets those mutants pass which are in the sample, and a reporter for what became of them. */
import { appendFileSync, readFileSync } from "node:fs"
import path from "node:path"

export interface Mutant {
  readonly id: string
  readonly fileName: string
  readonly location: Record<"start" | "end", { readonly line: number; readonly column: number }>
  readonly mutatorName: string
  readonly replacement: string
}

const root = path.resolve(import.meta.dirname, "../../../..")

export const keyOf = ({ fileName, location: { end, start }, mutatorName, replacement }: Mutant): string => {
  const file = path.relative(root, path.resolve(root, fileName))
  return [file, start.line, start.column, end.line, end.column, mutatorName, replacement].join("|")
}

export const strykerPlugins = [
  {
    kind: "Checker",
    name: "sample",
    factory: () => {
      const keys = new Set<string>(JSON.parse(readFileSync(process.env.TROUPE_SAMPLE!, "utf8")))
      return {
        init: async () => {},
        group: async (mutants: ReadonlyArray<Mutant>) => [mutants.map(({ id }) => id)],
        check: async (mutants: ReadonlyArray<Mutant>) =>
          Object.fromEntries(
            mutants.map((mutant) => [
              mutant.id,
              keys.has(keyOf(mutant)) ? { status: "passed" } : { status: "compileError", reason: "not in the sample" }
            ])
          )
      }
    }
  },
  {
    kind: "Reporter",
    name: "lines",
    // Each result as soon as it is there: a run takes long, and may be ended.
    factory: () => ({
      onMutantTested: (result: Mutant & { readonly status: string }) => {
        if (result.status === "CompileError") return
        appendFileSync(`${process.env.TROUPE_SAMPLE}l`, `${JSON.stringify(result)}\n`)
        console.log(`${result.status.padEnd(10)} ${keyOf(result).replaceAll(/\s+/g, " ").slice(0, 120)}`)
      }
    })
  }
]
