/**
 * What an editor says about a piece of code: the text it shows on hover, and the errors it underlines.
 *
 * A type test asks whether two types are equal; only these helpers see how a type *reads*, which is part of the API.
 * They use TypeScript 6, because version 7 has no JavaScript API, and one language service for all questions: the
 * first answer takes about a second, the next ones some milliseconds. `tsc` asks the real TypeScript 7 compiler.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import ts from "typescript-6"
import * as scripts from "../../../../scripts/tsc.ts"

const root = path.resolve(import.meta.dirname, "../../../..")

// The fixture exists only in memory, but has a place in this folder: its imports resolve as those of a test do.
const fixture = path.join(import.meta.dirname, "__fixture__.ts")
let text = ""
let version = 0

const options: ts.CompilerOptions = {
  ...ts.getParsedCommandLineOfConfigFile(path.join(root, "tsconfig.base.json"), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
    }
  })?.options,
  noUnusedLocals: false,
  types: []
}

const readFile = (file: string) => (file === fixture ? text : ts.sys.readFile(file))

const service = ts.createLanguageService({
  getCompilationSettings: () => options,
  getCurrentDirectory: () => root,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  getScriptFileNames: () => [fixture],
  getScriptVersion: (file) => (file === fixture ? String(version) : "0"),
  getScriptSnapshot: (file) => {
    const content = readFile(file)
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
  },
  readFile,
  fileExists: (file) => file === fixture || ts.sys.fileExists(file),
  // Workspace packages are links: without the real path their sources would be seen as declarations of a dependency.
  realpath: (file) => ts.sys.realpath?.(file) ?? file
})

const open = (source: string) => {
  if (source === text) return
  text = source
  version += 1
}

/** The place of the last character of `marker`, a piece of the source that occurs once. */
const placeOf = (source: string, marker: string): number => {
  const start = source.indexOf(marker)
  if (start < 0 || source.indexOf(marker, start + 1) >= 0) {
    throw new Error(`the marker ${JSON.stringify(marker)} must occur exactly once in the source`)
  }
  open(source)
  return start + marker.length - 1
}

/** The hover text at the end of a marker: with `counter.increment` the question is about `increment`. */
export const hover = (source: string, marker: string): string =>
  ts.displayPartsToString(service.getQuickInfoAtPosition(fixture, placeOf(source, marker))?.displayParts)

/** The documentation that is shown with it. */
export const documentation = (source: string, marker: string): string =>
  ts.displayPartsToString(service.getQuickInfoAtPosition(fixture, placeOf(source, marker))?.documentation)

interface Place {
  readonly fileName: string
  readonly textSpan: ts.TextSpan
}

/** A line of the source, or the name of another file. */
const shown = ({ fileName, textSpan }: Place): string =>
  fileName === fixture ? lineAt(textSpan.start) : path.basename(fileName)

const lineAt = (at: number): string => (text.slice(0, at).split("\n").pop() + text.slice(at).split("\n")[0]!).trim()

/** Where "go to definition" goes. */
export const definitions = (source: string, marker: string): ReadonlyArray<string> =>
  (service.getDefinitionAtPosition(fixture, placeOf(source, marker)) ?? []).map(shown)

/** The lines that a rename changes, in their order. */
export const renamed = (source: string, marker: string): ReadonlyArray<string> =>
  [...(service.findRenameLocations(fixture, placeOf(source, marker), false, false, {}) ?? [])]
    .sort((a, b) => a.textSpan.start - b.textSpan.start)
    .map(shown)

export interface Diagnostic {
  readonly line: number
  readonly code: number
  readonly message: string
}

/** The errors of the source, in order of appearance. */
export const diagnostics = (source: string): ReadonlyArray<Diagnostic> => {
  open(source)
  return [...service.getSyntacticDiagnostics(fixture), ...service.getSemanticDiagnostics(fixture)].map(
    (diagnostic) => ({
      line: source.slice(0, diagnostic.start).split("\n").length,
      code: diagnostic.code,
      message: ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")
    })
  )
}

/** What TypeScript 7's `tsc` prints about the source: the empty string where it compiles. */
export const tsc = async (source: string): Promise<string> => {
  const temporary = path.join(import.meta.dirname, ".tmp")
  await mkdir(temporary, { recursive: true })
  const folder = await mkdtemp(path.join(temporary, "tsc-"))
  try {
    const config = {
      extends: path.join(root, "tsconfig.base.json"),
      compilerOptions: { noUnusedLocals: false, types: [] },
      files: ["fixture.ts"]
    }
    await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(config))
    await writeFile(path.join(folder, "fixture.ts"), source)
    return await scripts.tsc(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
