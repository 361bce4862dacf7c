// Uses the built packages as a stranger would, without the condition that leads to their sources: every module that
// the barrel names is loaded from `dist`, and its declarations compile.
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { tsc } from "./tsc.ts"

const root = path.resolve(import.meta.dirname, "..")
const temporary = path.join(root, "docs/.tmp")
mkdirSync(temporary, { recursive: true })
const folder = mkdtempSync(path.join(temporary, "built-"))

const modules = globSync(path.join(root, "packages/*")).flatMap((directory) => {
  const { name }: { readonly name: string } = JSON.parse(readFileSync(path.join(directory, "package.json"), "utf8"))
  const files = globSync("[A-Z]*.ts", { cwd: path.join(directory, "src") })
  return [name, ...files.map((file) => `${name}/${path.basename(file, ".ts")}`)]
})
const source = `${modules.map((name, index) => `import * as m${index} from "${name}"`).join("\n")}
for (const module of [${modules.map((_, index) => `m${index}`).join(", ")}]) {
  if (Object.keys(module).length === 0) throw new Error("a built module exports nothing")
}
`
// All declarations are checked, ours too; those of effect need the DOM.
const compilerOptions = { customConditions: [], lib: ["ES2024", "DOM"], types: ["node"], skipLibCheck: false }
const tsconfig = { extends: "../../../tsconfig.base.json", compilerOptions, include: ["*.ts"] }
writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
writeFileSync(path.join(folder, "main.ts"), source)

try {
  const problems = await tsc(folder)
  if (problems !== "") throw new Error(problems)
  execFileSync(process.execPath, [path.join(folder, "main.ts")], { stdio: "inherit" })
  console.log(`${modules.length} built modules compile and load`)
} finally {
  rmSync(folder, { recursive: true })
}
