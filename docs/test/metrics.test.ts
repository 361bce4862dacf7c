import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = path.resolve(import.meta.dirname, "../..")
const read = (file: string) => readFileSync(path.join(root, file), "utf8")
const matches = (files: ReadonlyArray<string>, pattern: RegExp) =>
  files.flatMap((file) => [...read(file).matchAll(pattern)].map(([, name]) => name!))

/** Which metrics there are: ours, of instances and of clients, and those of Effect's cluster. */
const registered = new Set(
  matches(
    [...globSync("packages/*/src/**/*.ts", { cwd: root }), "node_modules/effect/src/cluster/ClusterMetrics.ts"],
    /Metric\.(?:counter|gauge|histogram)\(\s*["`]([^"`]+)/g
  ).flatMap((name) => ["troupe", "troupe_client"].map((prefix) => name.replace(/\$\{.*?prefix\}/, prefix)))
)

/** Which of them a document names, as Prometheus does: a histogram is several series. */
const named = (file: string) =>
  matches([file], /\b((?:troupe|effect_cluster)_[a-z_]+[a-z])\b/g).map((name) =>
    name.replace(/_(bucket|sum|count)$/, "")
  )

/** Tables of the database have such names as well. */
const tables = ["troupe_contracts", "troupe_inspectors", "troupe_state", "troupe_reminders"]

describe("a metric that documents name", () => {
  const files = [...globSync("docs/*.md", { cwd: root }), ...globSync("packages/*/*.md", { cwd: root })]

  it.each(files.filter((file) => named(file).length > 0))("in %s is one that the code registers", (file) => {
    const unknown = named(file).filter((name) => !registered.has(name) && !tables.includes(name))
    assert.deepStrictEqual(unknown, [])
  })

  it("is each of ours", () => {
    const all = new Set(files.flatMap(named))
    const missing = [...registered].filter((name) => /^troupe_(?!client)/.test(name) && !all.has(name))
    assert.deepStrictEqual(missing, [])
  })
})
