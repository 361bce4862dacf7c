/**
 * What the packages say: every sentence in their sources, and every error that has a tag.
 *
 * A sentence is a string or a template of at least three words, `…` in place of what is filled in. Sentences that only
 * help, describe or draw are none: help texts, descriptions of metrics, the page, reports of the explorer, SQL.
 */
import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import ts from "typescript-6"

const root = path.resolve(import.meta.dirname, "../..")

const files = globSync("packages/*/src/**/*.ts", {
  cwd: root,
  exclude: [
    "packages/testing/src/internal/{explore,print,run,trace,watch}.ts",
    "packages/inspector/src/internal/{live/news,server/pageFiles,server/reply}.ts",
    "packages/inspector/src/internal/{terminal/command,terminal/live,terminal/views,trace/chromeTrace,trace/format}.ts"
  ]
}).sort()

/** What takes texts that are no messages: properties, functions and variables of these names. */
const others =
  /^(contentType|description|exec|execute|headers|literal|narrate|note|prepare|purpose|startsWith|withDescription|withoutFlag|UNFINISHED|FATES)$/

/** Whether the texts in a node are no messages, but help, SQL, names, or what is compared with a message. */
const isOther = (node: ts.Node): boolean => {
  if (ts.isTaggedTemplateExpression(node) || ts.isImportDeclaration(node)) return true
  if (ts.isBinaryExpression(node)) return node.operatorToken.kind === ts.SyntaxKind.EqualsEqualsEqualsToken
  if (ts.isPropertyAssignment(node)) return others.test(node.name.getText())
  // One that names what an Effect gives is no text.
  if (ts.isVariableDeclaration(node)) {
    const { initializer, name } = node
    return initializer !== undefined && !ts.isYieldExpression(initializer) && others.test(name.getText())
  }
  return ts.isCallExpression(node) && others.test(node.expression.getText().split(".").at(-1) ?? "")
}

const textOf = (node: ts.Node): string | undefined => {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…")
}

const isSentence = (text: string): boolean => / /.test(text.trim()) && (text.match(/[A-Za-z']{2,}/g) ?? []).length >= 3

/** The sentences of the packages, each with the first place that has it. */
export const sentences = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(path.join(root, file), "utf8"), ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      if (isOther(node)) return
      const text = textOf(node)
      if (text !== undefined && isSentence(text) && !found.has(text.trim())) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart())
        found.set(text.trim(), `${file}:${line + 1}`)
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

/** The tags of errors, each with the file that has it. */
export const tags = (): ReadonlyMap<string, string> =>
  new Map(
    files.flatMap((file) =>
      [...readFileSync(path.join(root, file), "utf8").matchAll(/TaggedError(?:<\w+>)?\(\)?\(?"(\w+)"/g)].map(
        ([, tag]) => [tag!, file] as const
      )
    )
  )

/** What the first column of each table of a document has in code, in the words of the sources. */
export const catalogued = (markdown: string): ReadonlyArray<string> =>
  [...markdown.matchAll(/^\| ((?:[^|\\\n]|\\.)*) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/(`+) ?(.*?) ?\1/g)].map(([, , text]) => text!.replaceAll("\\|", "|"))
  )
