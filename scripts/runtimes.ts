/**
 * Runs one program with the packed packages wherever people run JavaScript, and compares what it prints.
 *
 *     npm run check:runtimes                  # all of them
 *     npm run check:runtimes -- bun node-20   # these
 *     npm run check:runtimes -- --list        # which there are, with their versions
 *
 * The versions are pinned here, and installed from npm into a folder that is removed afterwards. `effect-oldest` and
 * `effect-newest` run it on Node with the ends of the range of `effect` that the packages accept.
 */
import { execFile, execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
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
  readonly run: (project: string, tool: (path: string) => string) => Promise<string>
}

const missing = "not on this machine"

const output = async (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const { stdout } = await exec(command, args, { cwd, timeout: 60_000, maxBuffer: 2 ** 24 })
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

/** The program as one file that imports nothing. */
const bundled = async (project: string, entry: string, format: "esm" | "iife"): Promise<string> => {
  const file = path.join(project, `bundled.${format}.js`)
  await bundle({
    absWorkingDir: project,
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    format,
    platform: "browser",
    conditions: ["worker", "browser"],
    logLevel: "error"
  })
  return file
}

const runtimes: Readonly<Record<string, Runtime>> = {
  "node-20": node("20.20.2"),
  "node-22": node("22.23.3"),
  "node-24": node("24.21.0"),
  "node-26": node("26.10.0"),
  bun: {
    tools: { bun: "1.4.5" },
    run: (project, tool) => output(project, tool(".bin/bun"), "main.js")
  },
  deno: {
    tools: { deno: "2.9.6" },
    run: (project, tool) => output(project, tool(".bin/deno"), "run", "-A", "main.js")
  },
  workerd: {
    tools: { miniflare: "4.20260730.0" },
    run: async (project, tool) => {
      await bundled(project, "worker.js", "esm")
      return output(project, process.execPath, "miniflare.js", tool("miniflare/dist/src/index.js"))
    }
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
  "worker.js": `import { smoke } from "./smoke.js"\nexport default { fetch: async () => new Response(await smoke()) }\n`,
  "miniflare.js": [
    `const { Miniflare } = await import(process.argv[2])`,
    `const flare = new Miniflare({ modules: true, scriptPath: "bundled.esm.js", compatibilityDate: "2026-07-01" })`,
    `console.log(await (await flare.dispatchFetch("http://localhost/")).text())`,
    `await flare.dispose()\n`
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
  const packages = publicPackages(["core"])
  for (const one of packages) await build(one)
  const tarballs = await Promise.all(packages.map((one) => pack(one, folder)))

  const installWith = (cwd: string, ...ids: ReadonlyArray<string>) =>
    exec("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline", ...ids], {
      cwd,
      timeout: 240_000
    })

  /** Each runtime has a project of its own. */
  const tryOn = async (name: string, { effect, run, tools }: Runtime): Promise<string> => {
    const project = path.join(folder, name)
    mkdirSync(project)
    await install(project, packages, tarballs)
    for (const [file, code] of Object.entries(entries)) writeFileSync(path.join(project, file), code)
    cpSync(path.join(root, "scripts/runtimes/smoke.js"), path.join(project, "smoke.js"))
    if (effect !== undefined) {
      const manifest = readJson(path.join(project, "package.json"))
      manifest.dependencies.effect = effect
      delete manifest.overrides.effect
      writeFileSync(path.join(project, "package.json"), JSON.stringify(manifest))
      await installWith(project)
    }
    const beside = path.join(folder, `${name}-tools`)
    if (tools !== undefined) {
      mkdirSync(beside)
      writeFileSync(path.join(beside, "package.json"), "{}")
      await installWith(beside, ...Object.entries(tools).map(([id, version]) => `${id}@${version}`))
    }
    return run(project, (file) => path.join(beside, "node_modules", file))
  }

  const reference = await tryOn("node-24", runtimes["node-24"]!)
  console.log(`${reference}\n`)
  let failed = 0
  for (const [name, runtime] of Object.entries(runtimes)) {
    if (name === "node-24" || (wanted.length > 0 && !wanted.includes(name))) continue
    const text = await tryOn(name, runtime).catch(String)
    const same = text === reference
    if (!same && text !== missing) failed++
    console.log(same ? `✓ ${name}` : text === missing ? `- ${name}: ${text}` : `✗ ${name}\n${text}`)
  }
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
