/**
 * The public surface of each package as a text that people review: `etc/*.api.md` in its folder.
 *
 *     npm run api           # writes the texts
 *     npm run check:api     # fails when one is out of date, or something public has no doc comment or names something internal
 *
 * The declarations are those that the compiler writes for users, without comments, in the order of the alphabet. So a
 * change of the surface is a change of this file, which nobody makes without noticing.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import ts from "typescript-6"
import { type Package, publicModules, publicPackages, root } from "./packages.ts"

const check = process.argv.includes("--check")

const sourceOf = (one: Package, module: string): string => path.join(one.folder, "src", `${module}.ts`)

/** What the compiler would write to `dist`, by the path of the source. One program for all: most of it is effect. */
const declarations = (packages: ReadonlyArray<Package>): ReadonlyMap<string, ts.SourceFile> => {
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const rootNames = packages.flatMap((one) => publicModules(one).map((module) => sourceOf(one, module)))
  // Errors are for the type check to report.
  const emitting = { noEmit: false, declaration: true, emitDeclarationOnly: true, noEmitOnError: false }
  const program = ts.createProgram(rootNames, { ...options, ...emitting })
  const files = new Map<string, ts.SourceFile>()
  for (const source of rootNames) {
    program.emit(program.getSourceFile(source), (name, text) => {
      files.set(source, ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true))
    })
  }
  return files
}

type Declaration = ts.Statement & { readonly name?: ts.Node }

const namesOf = (statement: ts.Statement): ReadonlyArray<string> => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  }
  if (ts.isExportDeclaration(statement)) {
    const { exportClause } = statement
    return exportClause !== undefined && ts.isNamedExports(exportClause)
      ? exportClause.elements.map(({ name }) => name.text)
      : []
  }
  const { name } = statement as Declaration
  return name === undefined ? [] : [name.getText()]
}

const isExported = (statement: ts.Statement): boolean =>
  ts.isExportDeclaration(statement) ||
  (ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })

interface Entry {
  readonly name: string
  readonly statement: ts.Statement
}

/** The declarations of a module, in a stable order. Overloads stay in theirs: the compiler tries them in it. */
const entriesOf = (file: ts.SourceFile, exported: boolean): ReadonlyArray<Entry> =>
  file.statements
    .filter((statement) => isExported(statement) === exported)
    .flatMap((statement) => namesOf(statement).map((name) => ({ name, statement })))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome")

const fenced = /```ts\n([\s\S]*?)\n```/g

/**
 * The code of a report as `npm run format` would have it, since a change is easier to see in short lines. All of it goes
 * through the formatter at once: starting it takes longer than formatting.
 */
const formatted = (report: string): string => {
  const cut = "// --- cut ---"
  const code = [...report.matchAll(fenced)].map((match) => match[1] ?? "")
  const input = code.join(`\n${cut}\n`)
  const args = [biome, "format", "--stdin-file-path=api.d.ts"]
  const parts = execFileSync(process.execPath, args, { cwd: root, input }).toString().split(cut)
  if (parts.length !== code.length) throw new Error("the formatter lost a part of the report")
  return report.replaceAll(fenced, () => `\`\`\`ts\n${parts.shift()?.trim()}\n\`\`\``)
}

const show = (statements: ReadonlyArray<ts.Statement>): string => {
  const code = statements.map((one) => printer.printNode(ts.EmitHint.Unspecified, one, one.getSourceFile()))
  return ["```ts", code.join("\n\n"), "```"].join("\n")
}

/** One statement may have several names, as `export { A, B } from` has. */
const statementsOf = (entries: ReadonlyArray<Entry>) => [...new Set(entries.map(({ statement }) => statement))]

/**
 * What a module's declarations name of the inside of the package. Nothing: users cannot import it, and the compiler, when
 * it writes the declarations of *their* packages, could not name it.
 */
const internals = (module: string, file: ts.SourceFile): ReadonlyArray<string> => {
  const named = new Set<string>()
  const look = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && /(^|\/)internal\//.test(node.text)) named.add(node.text)
    ts.forEachChild(node, look)
  }
  look(file)
  return [...named].map((name) => `${module}: its declarations name ${name}; declare what is public in a public module`)
}

const section = (module: string, file: ts.SourceFile): string => {
  const hidden = entriesOf(file, false)
  return [
    `## ${module}`,
    show(statementsOf(entriesOf(file, true))),
    ...(hidden.length === 0 ? [] : ["Not exported, and used above:", show(statementsOf(hidden))])
  ].join("\n\n")
}

/** Tells what the doc comment of an export lacks. */
const undocumented = (module: string, { name, statement }: Entry): ReadonlyArray<string> => {
  // It is documented where it is declared.
  if (ts.isExportDeclaration(statement)) return []
  const docs = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc)
  const text = docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join("")
  const tags = docs.flatMap((doc) => doc.tags ?? []).map(({ tagName }) => tagName.text)
  const lacks = [
    ...(text.trim() === "" ? ["a sentence"] : []),
    ...["category", "since"].filter((tag) => !tags.includes(tag)).map((tag) => `@${tag}`)
  ]
  return lacks.length === 0 ? [] : [`${module}.${name}: its doc comment lacks ${lacks.join(", ")}`]
}

/** Of several declarations with one name, overloads or a type and a value, one documented is enough. */
const undocumentedIn = (module: string, file: ts.SourceFile): ReadonlyArray<string> => {
  const problems = new Map<string, ReadonlyArray<string>>()
  for (const entry of entriesOf(file, true)) {
    const before = problems.get(entry.name)
    const now = undocumented(module, entry)
    if (before === undefined || now.length === 0) problems.set(entry.name, now)
  }
  return [...problems.values()].flat()
}

const reportOf = (one: Package): string => path.join(one.folder, "etc", `${one.id}.api.md`)

const packages = publicPackages()
const files = declarations(packages)

for (const one of packages) {
  const sections = publicModules(one).map((module) => {
    const file = files.get(sourceOf(one, module))
    if (file === undefined) throw new Error(`${one.manifest.name}: the compiler writes no declarations of ${module}`)
    return [module, file] as const
  })
  const report = formatted(
    `${[
      `# The public surface of ${one.manifest.name}`,
      "Made by scripts/api.ts: `npm run api` after you change it on purpose.",
      ...sections.map((args) => section(...args))
    ].join("\n\n")}\n`
  )

  const file = reportOf(one)
  const shown = path.relative(root, file)
  const old = existsSync(file) ? readFileSync(file, "utf8") : ""
  if (check) {
    const problems = sections.flatMap((args) => [...undocumentedIn(...args), ...internals(...args)])
    if (old !== report) {
      const [before, after] = [old.split("\n"), report.split("\n")]
      const line = after.findIndex((text, i) => text !== before[i])
      problems.push(
        `${shown} is out of date from line ${line + 1} on: \`npm run api\` if you meant to change the surface`,
        `  was: ${before[line] ?? "(the end)"}`,
        `  is:  ${after[line] ?? "(the end)"}`
      )
    }
    for (const problem of problems) console.error(problem)
    if (problems.length > 0) process.exitCode = 1
    else console.log(`${shown} is up to date, and all of it is documented`)
  } else if (old !== report) {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, report)
    console.log(`wrote ${shown}`)
  }
}
