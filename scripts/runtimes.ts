/**
 * Runs one program with the packed packages wherever people run JavaScript, and compares what it prints.
 *
 *     npm run check:runtimes                  # all of them
 *     npm run check:runtimes -- bun node-20   # these
 *     npm run check:runtimes -- --list        # which there are, with their versions
 *
 * The versions are pinned here, and installed from npm into a folder that is removed afterwards. `effect-oldest` and
 * `effect-newest` run it on Node with the ends of the range of `effect` that the packages accept. `workerd-requests`,
 * the bundlers, `http-...` and `commonjs` run programs of their own: those of `docs/workers-runtime.md`,
 * `docs/bundlers.md` and `docs/recipes.md`.
 */
import { execFile, execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { build as bundle } from "esbuild"
import { publicPackages, readJson, root } from "./packages.ts"
import { install } from "./packProject.ts"
import { build, pack } from "./packTarball.ts"

const exec = promisify(execFile)

/** A place where the program runs. It gives what the program prints, or says why the place is not here. */
interface Runtime {
  /** The packages of npm that it comes from. They are installed beside the project, not into it. */
  readonly tools?: Readonly<Record<string, string>>
  /** The version of `effect` in the project, if not that of our lock file. */
  readonly effect?: string
  /** What it has to print, if not the same as Node 24. */
  readonly expected?: string
  readonly run: (project: string, tool: (path: string) => string) => Promise<string>
}

const missing = "not on this machine"

const output = async (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const { stdout } = await exec(command, args, { cwd, timeout: 120_000, maxBuffer: 2 ** 24 }).catch((error) => {
    throw new Error(`${error.message}${error.stdout}${error.killed ? "it took too long" : ""}`)
  })
  return stdout.trim()
}

const node = (version: string): Runtime => ({
  tools: { node: version },
  run: (project, tool) => output(project, tool("node/bin/node"), "main.js")
})

const effect = (version: string): Runtime => ({
  effect: version,
  run: (project) => output(project, process.execPath, "main.js")
})

const bun = "1.4.5"
const deno = "2.9.6"
const miniflare = "4.20260730.0"
const bundlers = { esbuild: "0.28.2", rollup: "4.68.8", vite: "8.4.0", webpack: "5.113.0" }

const frameworks = { express: "5.3.0", fastify: "5.12.8", hono: "4.13.19", "@hono/node-server": "2.1.9" }

/** Puts the files of a folder beside tools, where they find these, and the packages. */
const beside = (project: string, tool: (path: string) => string, files: string): string => {
  const folder = path.dirname(tool("."))
  cpSync(path.join(root, files), folder, { recursive: true })
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }))
  for (const id of ["@troupe", "effect"])
    if (!existsSync(tool(id))) symlinkSync(path.join(project, "node_modules", id), tool(id), "dir")
  return folder
}

/** Runs a server of `scripts/http`, which is sent requests and ended. */
const framework = (name: string): Runtime => ({
  tools: frameworks,
  run: (project, tool) => output(beside(project, tool, "scripts/http"), process.execPath, "try.js", `./${name}.js`),
  expected: ['200 {"count":1}', "[ '200', '429' ]", "200", "closed"].join("\n")
})

/** Builds the program of `scripts/bundlers`, which starts a thread, and runs what came out. */
const bundler = (
  name: string,
  tools: Readonly<Record<string, string>>,
  command: (tool: (path: string) => string) => readonly [string, ...Array<string>],
  main = "main.js"
): Runtime => ({
  tools,
  run: async (project, tool) => {
    const folder = beside(project, tool, "scripts/bundlers")
    await output(folder, ...command(tool))
    return output(folder, process.execPath, `dist/${name}/${main}`)
  },
  expected: `thread ${createHash("md5").update("troupe").digest("hex")}`
})

/** Runs webpack, whose command is a package of its own. */
const runWebpack = `
import webpack from "webpack"
import config from "./webpack.config.js"
webpack(config, (error, stats) => {
  console.log(error ?? stats.toString("errors-warnings"))
  process.exitCode = error || stats.hasErrors() ? 1 : 0
})`

/** Bundles a worker and sends it requests: a step after the other, and those of a step, as in `/a+/b`, at once. */
const workerd =
  (entry: string, flags: string, ...steps: ReadonlyArray<string>): Runtime["run"] =>
  async (project, tool) => {
    const script = await bundled(project, entry, "esm")
    const printed = await output(
      project,
      process.execPath,
      ...["flare.js", tool("miniflare/dist/src/index.js"), script, flags, ...steps]
    )
    return printed.replace(/^\/: /, "")
  }

const otherRequest = (method: string): string =>
  `${method} #: the actor is unavailable because it is at work for another request, and on Cloudflare Workers a call cannot wait for timers and I/O of another request: make the runtime per request, or put the actor in a Durable Object. The call did not run: sending it again is safe.`

/** The program as one file that imports nothing. */
const bundled = async (project: string, entry: string, format: "esm" | "iife"): Promise<string> => {
  const file = path.join(project, `bundled.${entry}`)
  await bundle({
    absWorkingDir: project,
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    format,
    platform: "browser",
    conditions: ["worker", "browser"],
    external: ["cloudflare:*"],
    logLevel: "error"
  })
  return file
}

/** What `remote.js` prints: a call, a stream, what a reader gets, and the end of a call that was cancelled. */
const servedActors = '[1,[1,2,3],["hello","again"],"cut"]'

const runtimes: Readonly<Record<string, Runtime>> = {
  "node-20": node("20.20.2"),
  "node-22": node("22.23.3"),
  "node-24": node("24.21.0"),
  "node-26": node("26.10.0"),
  bun: {
    tools: { bun },
    run: (project, tool) => output(project, tool(".bin/bun"), "main.js")
  },
  "bun-remote": {
    tools: { bun },
    run: (project, tool) => output(project, tool(".bin/bun"), "remote.js"),
    expected: servedActors
  },
  deno: {
    tools: { deno },
    run: (project, tool) => output(project, tool(".bin/deno"), "run", "-A", "main.js")
  },
  "deno-remote": {
    tools: { deno },
    run: (project, tool) => output(project, tool(".bin/deno"), "run", "-A", "remote.js"),
    expected: servedActors
  },
  workerd: {
    tools: { miniflare },
    run: workerd("worker.js", "", "/")
  },
  "workerd-nodejs": {
    tools: { miniflare },
    run: workerd("worker.js", "nodejs_compat", "/")
  },
  "workerd-requests": {
    tools: { miniflare },
    run: workerd(
      "requests.js",
      "nodejs_compat",
      ...["/request+/request", "/object+/object", "/shared", "/shared+/shared", "/shared"],
      ...["/task+/task", "/forget", "/remember"]
    ),
    expected: [
      "/request+/request: [1,2] | [1,2]",
      "/object+/object: [1,2] | [3,4]",
      "/shared: [1,2]",
      `/shared+/shared: [3,4] | ${otherRequest("app/Counter.add")}`,
      "/shared: [5,6]",
      "/task+/task: 49 | 49",
      '/forget: "answered before its call has ended"',
      `/remember: ${otherRequest("app/Counter.read")}`
    ].join("\n")
  },
  chromium: {
    run: async (project) => {
      const browser = ["chromium", "chromium-browser", "google-chrome"].find(isHere)
      if (browser === undefined) return missing
      const script = await bundled(project, "page.js", "iife")
      const page = path.join(project, "page.html")
      writeFileSync(
        page,
        `<!doctype html><meta charset="utf-8"><pre></pre><script src="${path.basename(script)}"></script>`
      )
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
      const dom = await output(project, browser, ...flags, `--user-data-dir=${path.join(project, "profile")}`, page)
      return /<pre>(.*)<\/pre>/s.exec(dom)?.[1]?.replaceAll("&gt;", ">").trim() ?? dom
    }
  },
  "bundler-esbuild": bundler("esbuild", bundlers, () => [process.execPath, "esbuild.config.js"]),
  "bundler-vite": bundler("vite", bundlers, (tool) => [process.execPath, tool("vite/bin/vite.js"), "build"]),
  "bundler-rollup": bundler("rollup", bundlers, (tool) => [process.execPath, tool("rollup/dist/bin/rollup"), "-c"]),
  "bundler-webpack": bundler(
    "webpack",
    bundlers,
    () => [process.execPath, "--input-type=module", "--eval", runWebpack],
    "main.mjs"
  ),
  "bundler-bun": bundler("bun", { bun }, (tool) => [tool(".bin/bun"), "bun.config.js"]),
  "http-express": framework("express"),
  "http-fastify": framework("fastify"),
  "http-hono": framework("hono"),
  commonjs: {
    tools: { node: "20.20.2" },
    run: (project, tool) => output(beside(project, tool, "scripts/http"), tool("node/bin/node"), "commonjs.cjs"),
    expected: "Hello, Ada!"
  },
  "effect-oldest": effect("4.0.5"),
  "effect-newest": effect("^4.1.0")
}

const isHere = (command: string): boolean => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** The ways in which platforms start a program. */
const entries = {
  "main.js": `import { smoke } from "./smoke.js"\nconsole.log(await smoke())\n`,
  "page.js": `import { smoke } from "./smoke.js"\nsmoke().then((text) => { document.querySelector("pre").textContent = text })\n`,
  "worker.js": [
    `import { smoke } from "./smoke.js"`,
    `export default { fetch: async () => new Response(await smoke()) }`,
    `export class CounterObject {}\n`
  ].join("\n")
}

const wanted = process.argv.slice(2)
if (wanted.includes("--list")) {
  for (const [name, { effect, tools }] of Object.entries(runtimes))
    console.log(name, effect ?? Object.values(tools ?? {})[0] ?? "")
  process.exit()
}
const unknown = wanted.filter((name) => !(name in runtimes))
if (unknown.length > 0) {
  console.error(`there is no runtime ${unknown.join(", ")}, but ${Object.keys(runtimes).join(", ")}`)
  process.exit(2)
}

const folder = mkdtempSync(path.join(tmpdir(), "troupe-runtimes-"))
try {
  const packages = publicPackages(["core", "worker", "remote"])
  for (const one of packages) await build(one)
  const tarballs = await Promise.all(packages.map((one) => pack(one, folder)))

  const installWith = (cwd: string, ...ids: ReadonlyArray<string>) =>
    exec("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline", ...ids], {
      cwd,
      timeout: 240_000
    })

  const projectWith = async (effect: string | undefined): Promise<string> => {
    const project = path.join(folder, `effect-${effect ?? "locked"}`)
    mkdirSync(project)
    await install(project, packages, tarballs)
    for (const [file, code] of Object.entries(entries)) writeFileSync(path.join(project, file), code)
    cpSync(path.join(root, "scripts/runtimes"), project, { recursive: true })
    if (effect !== undefined) {
      const manifest = readJson(path.join(project, "package.json"))
      manifest.dependencies.effect = effect
      delete manifest.overrides.effect
      writeFileSync(path.join(project, "package.json"), JSON.stringify(manifest))
      await installWith(project)
    }
    return project
  }

  const toolsOf = async (ids: ReadonlyArray<string>): Promise<string> => {
    const beside = path.join(folder, `tools-${ids.join("+").replaceAll("/", "-")}`)
    mkdirSync(beside)
    writeFileSync(path.join(beside, "package.json"), "{}")
    if (ids.length > 0) await installWith(beside, ...ids)
    return path.join(beside, "node_modules")
  }

  /** What is installed once: a project for each version of `effect`, and tools that several runtimes need. */
  const once = <Args extends ReadonlyArray<unknown>, A>(make: (...args: Args) => Promise<A>) => {
    const made = new Map<string, Promise<A>>()
    return (...args: Args): Promise<A> => {
      const key = String(args)
      if (!made.has(key)) made.set(key, make(...args))
      return made.get(key)!
    }
  }
  const [project, installed] = [once(projectWith), once(toolsOf)]

  const tryOn = async ({ effect, run, tools = {} }: Runtime): Promise<string> => {
    const beside = await installed(Object.entries(tools).map(([id, version]) => `${id}@${version}`))
    return run(await project(effect), (file) => path.join(beside, file))
  }

  const reference = await tryOn(runtimes["node-24"]!)
  console.log(`${reference}\n`)
  let failed = 0
  for (const [name, runtime] of Object.entries(runtimes)) {
    if (name === "node-24" || (wanted.length > 0 && !wanted.includes(name))) continue
    const begun = performance.now()
    const text = await tryOn(runtime).catch(String)
    const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`
    const same = text === (runtime.expected ?? reference)
    if (!same && text !== missing) failed++
    console.log(same ? `✓ ${name}, ${took}` : text === missing ? `- ${name}: ${text}` : `✗ ${name}, ${took}\n${text}`)
  }
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
