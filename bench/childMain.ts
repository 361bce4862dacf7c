/** The program of a child process; see child.ts. */
import type { Probe } from "./child.ts"
import { load } from "./contenders/index.ts"

const [row, name] = process.argv.slice(2)
const { probe }: { probe: Probe<unknown, unknown> } = await import(`./rows/${row}.ts`)
const contender = await load(name!)
process.on("message", async ({ question }: { question: unknown }) => {
  process.send!(await probe(contender, question))
})
