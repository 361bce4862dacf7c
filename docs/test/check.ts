import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { tsc } from "../../scripts/tsc.ts"
import { type Block, expectedErrors, expectedOutput } from "./blocks.ts"
import { bundle, bundleOf } from "./bundles.ts"

/** How long a block may run. */
const timeout = 28_000

const temporary = path.resolve(import.meta.dirname, "../.tmp")

// Readable, because compiler and stack traces print it, and with the block's own line for its start.
const fileOf = (block: Block) => `${block.file.replaceAll("/", "-")}.${block.line}.ts`

/** Puts a block at the line it has in its document, so that every message about it names the line to change. */
const sourceOf = (block: Block) => "\n".repeat(block.line) + block.code

const compilerOptions = { types: ["node"], noUnusedLocals: false }
const tsconfig = { extends: "../../../tsconfig.base.json", compilerOptions, include: ["*.ts"] }

/** A message starts at the margin with its file; what follows indented belongs to it. */
const messagesOf = (output: string, block: Block): string =>
  output
    .split(/\n(?=\S)/)
    .filter((message) => message.startsWith(`${fileOf(block)}(`))
    .join("\n")

const compileProblem = (block: Block, messages: string): string | undefined => {
  if (block.kind !== "fails") return messages === "" ? undefined : messages
  if (messages === "") return "compiles, but is marked as one that fails"
  const expected = expectedErrors(block)
  // Without one, a typing error in the block would pass for the refusal that it shows.
  if (expected.length === 0) return `does not say why it fails: add "// error: ..." with a part of\n${messages}`
  const missing = expected.filter((part) => !messages.includes(part))
  return missing.length === 0 ? undefined : `the compiler does not say ${JSON.stringify(missing)}, but:\n${messages}`
}

const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/** In an expected line, `…` stands for anything: a process id, a time. */
const matches = (line: string, expected: string): boolean =>
  new RegExp(`^${expected.split("…").map(escape).join(".*")}$`).test(line)

const outputProblem = (block: Block, stdout: string): string | undefined => {
  const expected = expectedOutput(block)
  if (expected.length === 0) return undefined
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.trim())
  const same = lines.length === expected.length && expected.every((line, i) => matches(lines[i] ?? "", line))
  return same ? undefined : `prints\n  ${lines.join("\n  ")}\ninstead of\n  ${expected.join("\n  ")}`
}

const run = (folder: string, block: Block): Promise<string | undefined> =>
  new Promise((resolve) => {
    const args = ["--enable-source-maps", bundleOf(path.join(folder, "bundles"), fileOf(block))]
    execFile(process.execPath, args, { cwd: folder, timeout }, (error, stdout, stderr) => {
      if (error === null) resolve(outputProblem(block, stdout))
      else resolve(`${error.killed ? `does not end within ${timeout} ms` : "fails when it runs"}\n${stdout}${stderr}`)
    })
  })

export interface Checker {
  /** Says what is wrong with a block, if anything. Runs it in a process of its own. */
  readonly problem: (block: Block) => Promise<string | undefined>
  readonly close: () => Promise<void>
}

/** Compiles and bundles all blocks in one go; they are run one by one when they are asked for. */
export const makeChecker = async (blocks: ReadonlyArray<Block>): Promise<Checker> => {
  await mkdir(temporary, { recursive: true })
  const folder = await mkdtemp(path.join(temporary, "blocks-"))
  await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
  await Promise.all(blocks.map((block) => writeFile(path.join(folder, fileOf(block)), sourceOf(block))))
  const output = blocks.length === 0 ? "" : await tsc(folder)
  // Such an error belongs to no file, so no block would report it.
  if (/^error TS/m.test(output)) throw new Error(output)
  const problems = new Map(blocks.map((block) => [block, compileProblem(block, messagesOf(output, block))]))
  const programs = blocks.filter((block) => block.kind === "run" && problems.get(block) === undefined)
  await bundle(
    programs.map((block) => path.join(folder, fileOf(block))),
    path.join(folder, "bundles")
  )
  return {
    problem: async (block) => problems.get(block) ?? (block.kind === "run" ? run(folder, block) : undefined),
    close: () => rm(folder, { recursive: true })
  }
}
