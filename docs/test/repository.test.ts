import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = path.resolve(import.meta.dirname, "../..")
const read = (file: string) => readFileSync(path.join(root, file), "utf8")

describe("the repository", () => {
  it("brings its own Node", () => assert.match(process.version, /^v24\./))

  it("has TypeScript 7 as its tsc, although version 6 is installed for its JavaScript API", () => {
    const version = execFileSync(process.execPath, [path.join(root, "node_modules/.bin/tsc"), "--version"])
    assert.match(version.toString(), /^Version 7\./)
  })

  it("has a lock file that names no registry", () => {
    const lock = readFileSync(path.join(root, "package-lock.json"), "utf8")
    assert.notMatch(lock, /"resolved": "[a-z+]+:/)
  })

  it.each([
    ["docs/react.md", "tsx", "examples/{react/App.tsx,chat/page/*.ts}"],
    ["docs/workers-runtime.md", "js", "scripts/runtimes/requests.js"],
    ["docs/bundlers.md", "js", "{scripts/bundlers,packages/worker/test/browser/app}/*.js"],
    ["docs/recipes.md", "js", "scripts/http/*.{js,cjs}"]
  ])("shows in %s code that is tested", (page, language, files) => {
    const tested = globSync(files, { cwd: root }).map(read).join("\n")
    const blocks = [...read(page).matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))]
    assert.isAbove(blocks.length, 0)
    for (const [, block] of blocks) assert.include(tested, block!)
  })

  it.each(globSync("docs/*.md", { cwd: root }))("has %s in its index", (page) =>
    assert.include(read("README.md"), page)
  )

  it.each(["core", "worker", "remote", "testing", "cluster", "inspector", "cli"])(
    "says which versions %s supports",
    (name) => {
      const { engines, peerDependencies } = JSON.parse(read(`packages/${name}/package.json`))
      const rows = read(".github/SUPPORT.md").split("\n")
      for (const [what, range] of [
        ["`effect`", peerDependencies.effect],
        ["Node", engines.node]
      ]) {
        const row = rows.find((row) => row.startsWith(`| ${what}, for `) && row.includes(name)) ?? ""
        assert.include(row, `from ${/[\d.]*[1-9]/.exec(range)?.[0]}`, `${what} for ${name}`)
      }
    }
  )

  it("runs in its workflow only runtimes that there are", () => {
    const list = execFileSync(process.execPath, [path.join(root, "scripts/runtimes.ts"), "--list"]).toString()
    const runtimes = new Set(list.split("\n").map((line) => line.split(" ")[0]))
    const matrix = /runtime: \[(.*)\]/.exec(read(".github/workflows/ci.yml"))![1]!.split(", ")
    for (const runtime of matrix) assert.isTrue(runtimes.has(runtime), runtime)
  })
})
