import { type ChildProcess, execFile, spawn } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { verify } from "./timeline.ts"

const root = path.resolve(import.meta.dirname, "../../..")
const bin = path.join(root, "packages/cli/bin/troupe.js")
const temporary = mkdtempSync(path.join(tmpdir(), "troupe-cli-"))

/** Processes on a machine that does other things, too. */
const patience = 60_000

const troupe = (args: ReadonlyArray<string>, file = bin) =>
  new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const env = { ...process.env, TROUPE_INSPECTOR_URL: "", TROUPE_INSPECTOR_TOKEN: "" }
    execFile(process.execPath, [file, ...args], { cwd: temporary, env, timeout: patience }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    )
  })

/** A port that nothing listens at any more. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

let program: ChildProcess
let address: string

beforeAll(async () => {
  program = spawn(process.execPath, ["--conditions=@troupe/source", path.join(import.meta.dirname, "cliProgram.ts")], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let output = ""
  for await (const chunk of program.stdout!) {
    output += chunk
    const match = /^listening at (\S+)$/m.exec(output)
    if (match !== null) {
      address = match[1]!
      return
    }
  }
  throw new Error(`the program ended: ${output}`)
}, patience)

afterAll(() => {
  program?.kill("SIGKILL")
  rmSync(temporary, { recursive: true, force: true })
})

describe("troupe, as a process", () => {
  it(
    "shows a running program in a table, and ends where there is no terminal",
    async () => {
      const { code, stderr, stdout } = await troupe(["inspect", address])
      assert.strictEqual(stderr, "")
      assert.match(stdout, /^1 instance, 1 call running, 1 waiting\n\nACTOR .*\napp\/Db #\d+ +running +1\/1 +1 /)
      assert.strictEqual(code, 0)
    },
    patience
  )

  it(
    "gives scripts JSON",
    async () => {
      const { code, stdout } = await troupe(["inspect", address, "list", "--calls", "--json"])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(
        JSON.parse(stdout).map(({ method, stage }: any) => [method, stage]),
        [
          ["app/Db.query", "running"],
          ["app/Db.query", "waiting"]
        ]
      )
    },
    patience
  )

  it(
    "explains a call, and says when there is no such call",
    async () => {
      const { stdout } = await troupe(["inspect", address, "list", "--calls", "--json"])
      const waiting = JSON.parse(stdout).find(({ stage }: any) => stage === "waiting").id
      const explained = await troupe(["inspect", address, "explain", String(waiting)])
      assert.match(
        explained.stdout,
        /app\/Db\.query #\d+: waiting .*first in line behind `app\/Db\.query` #\d+ \(running/
      )
      const unknown = await troupe(["inspect", address, "explain", "999999"])
      assert.strictEqual(unknown.code, 1)
      assert.match(unknown.stderr, /999999/)
    },
    patience
  )

  it(
    "records a timeline into a file",
    async () => {
      const file = path.join(temporary, "trace.json")
      const { code, stdout } = await troupe(["inspect", "timeline", address, "-o", file, "--seconds", "1"])
      assert.strictEqual(code, 0)
      assert.include(stdout, "https://ui.perfetto.dev")
      const trace = JSON.parse(readFileSync(file, "utf8"))
      verify(trace)
      assert.include(JSON.stringify(trace), '"unfinished":true')
    },
    patience
  )

  it(
    "says on stderr what went wrong, without a stack, and ends with code 1",
    async () => {
      const unused = `http://127.0.0.1:${await freePort()}`
      const { code, stderr, stdout } = await troupe(["inspect", unused])
      assert.include(stderr, `Nothing answers at ${unused} (ECONNREFUSED). Is the program running`)
      assert.notInclude(stderr, "    at ")
      assert.strictEqual(stdout, "")
      assert.strictEqual(code, 1)
      const unwritable = await troupe(["inspect", "timeline", address, "-o", "no/such/folder", "--seconds", "1"])
      assert.include(unwritable.stderr, "no/such/folder cannot be written")
      assert.strictEqual(unwritable.code, 1)
    },
    patience
  )

  it(
    "is let in with the token only",
    async () => {
      const { code, stderr } = await troupe(["inspect", new URL("/", address).href])
      assert.match(stderr, /token[\s\S]*Give the whole address as the program printed it, or the token with --token/)
      assert.strictEqual(code, 1)
      const wrong = await troupe(["inspect", new URL("/", address).href, "--token", "guess"])
      assert.strictEqual(wrong.code, 1)
    },
    patience
  )

  it(
    "prints its help, and ends with code 2 when it does not understand",
    async () => {
      const help = await troupe(["--help"])
      assert.match(help.stdout, /inspect +See what .*\n +node +Start a node/)
      assert.strictEqual(help.code, 0)
      const node = await troupe(["node", "--help"])
      assert.match(node.stdout, /troupe node .*<module>/)
      const unknown = await troupe(["inspct"])
      assert.match(unknown.stderr, /Unknown subcommand "inspct"[\s\S]*inspect/)
      assert.strictEqual(unknown.code, 2)
    },
    patience
  )
})

/** Puts packages where npm would, made from their sources as a build would make them. */
const install = (): string => {
  const modules = path.join(temporary, "node_modules")
  for (const name of ["core", "inspector", "cli"]) {
    const folder = path.join(modules, "@troupe", name)
    for (const file of globSync("src/**/*.ts", { cwd: path.join(root, "packages", name) })) {
      const target = path.join(folder, file.replace(/^src/, "dist").replace(/\.ts$/, ".js"))
      mkdirSync(path.dirname(target), { recursive: true })
      const code = stripTypeScriptTypes(readFileSync(path.join(root, "packages", name, file), "utf8"))
      writeFileSync(target, code.replaceAll(/(from |import )"(\.[^"]*)\.ts"/g, '$1"$2.js"'))
    }
    writeFileSync(path.join(folder, "package.json"), readFileSync(path.join(root, "packages", name, "package.json")))
  }
  mkdirSync(path.join(modules, "@troupe/cli/bin"))
  writeFileSync(path.join(modules, "@troupe/cli/bin/troupe.js"), readFileSync(bin))
  for (const name of ["effect", "@effect"]) symlinkSync(path.join(root, "node_modules", name), path.join(modules, name))
  return path.join(modules, "@troupe/cli/bin/troupe.js")
}

describe("troupe, installed", () => {
  it(
    "runs from dist, and says how to get what is not installed",
    async () => {
      const installed = install()
      const version = await troupe(["--version"], installed)
      assert.strictEqual(version.stderr, "")
      assert.include(version.stdout, "troupe v")
      assert.match((await troupe(["inspect", "list", address], installed)).stdout, /app\/Db #\d+/)
      const { code, stderr } = await troupe(["node", "--port", "1"], installed)
      const expected =
        "troupe node is part of @troupe/cluster, which is not installed here: npm install @troupe/cluster"
      assert.include(stderr, expected)
      assert.strictEqual(code, 1)
    },
    patience
  )
})
