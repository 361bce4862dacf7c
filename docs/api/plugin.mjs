// A plugin of TypeDoc, which gives the site what people know things by: modules have the names that are imported,
// guides have their titles, and the sidebar has the order in which things are read. What is where is said by
// `scripts/apiDocs.ts`, in the option `troupe`.
import { readFileSync } from "node:fs"
import path from "node:path"
import {
  Comment,
  Converter,
  DefaultTheme,
  IndexEvent,
  KindRouter,
  MinimalSourceFile,
  ParameterType,
  ReflectionKind
} from "typedoc"

/**
 * @typedef {import("typedoc").Reflection} Reflection
 * @typedef {object} Contents
 * @property {string} root
 * @property {ReadonlyArray<string | readonly [page: string, below: ReadonlyArray<string>]>} guides
 * @property {ReadonlyArray<{ readonly name: string, readonly readme: string, readonly keywords: ReadonlyArray<string> }>} packages
 * @property {ReadonlyArray<string>} sources
 */

const opening = /^\/\*\*([\s\S]*?)\*\//
const fence = /^(`{3,})[\s\S]*?^\1/gm

/** @param {import("typedoc").Application} app */
export const load = (app) => {
  app.options.addDeclaration({
    name: "troupe",
    help: "What the site has, and in which order",
    type: ParameterType.Mixed,
    defaultValue: {}
  })
  /** @returns {Contents} */
  const contents = () => /** @type {any} */ (app.options.getValue(/** @type {never} */ ("troupe")))

  // --- names ---------------------------------------------------------------------------------------------------------

  // The comment that opens a module is shown, too. TypeDoc takes it for one only when it says @module.
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    const [declaration] = context.getSymbolFromReflection(reflection)?.declarations ?? []
    const source = declaration?.getSourceFile()
    const match = /\/packages\/([^/]+)\/src\/([^/]+)\.ts$/.exec(source?.fileName ?? "")
    if (match === null) return
    reflection.name = `@troupe/${match[1]}/${match[2]}`
    const text = (opening.exec(source.text)?.[1] ?? "").replaceAll(/^[ \t]*\*[ \t]?/gm, "").replace(/^@since.*$/m, "")
    const { content } = app.converter.parseRawComment(
      new MinimalSourceFile(text, source.fileName),
      context.project.files
    )
    reflection.comment = new Comment(content)
  })

  /** The pages that are no modules, by their paths: documents, and files that these link to. */
  const pages = new Map()
  const sources = new Set()

  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, reflection) => {
    // Until here a document has the name of its file, without its end.
    const isSource = contents().sources.includes(reflection.name)
    const file = isSource ? reflection.name : `${reflection.name}.md`
    pages.set(file, reflection)
    if (isSource) sources.add(reflection)
    else reflection.name = titleOf(file)
  })

  const titleOf = (file) => {
    const [, title] = /^# (.*)$/m.exec(readFileSync(path.join(contents().root, file), "utf8")) ?? []
    return (title ?? file).replaceAll("`", "")
  }

  // A file that is no Markdown would be a download. As a document, links to it lead to a page, in the colors of code.
  app.converter.on(Converter.EVENT_BEGIN, (context) => {
    for (const file of contents().sources) {
      const absolute = path.join(contents().root, file)
      const language = { ".ts": "ts", ".yml": "yaml" }[path.extname(file)] ?? "text"
      const text = `# ${file}\n\n\`\`\`\`\`${language}\n${readFileSync(absolute, "utf8").trimEnd()}\n\`\`\`\`\`\n`
      // Private, and of the version that the lock file names: only documents of its own making know what links to them.
      app.converter.addDocument(context.project, new MinimalSourceFile(text, absolute), file)
    }
  })

  // --- addresses -----------------------------------------------------------------------------------------------------

  const files = () => new Map([...pages].map(([file, reflection]) => [reflection, file]))

  app.renderer.defineRouter(
    "troupe",
    class extends KindRouter {
      files = files()

      // Titles change; what others have linked to should not.
      getIdealBaseName(reflection) {
        const file = this.files.get(reflection)
        if (file === undefined) return super.getIdealBaseName(reflection)
        return `documents/${file.replace(/^docs\//, "").replace(/\.md$/, "")}`
      }
    }
  )

  // --- the sidebar ---------------------------------------------------------------------------------------------------

  app.renderer.defineTheme(
    "troupe",
    class extends DefaultTheme {
      buildNavigation(project) {
        const item = (reflection, text, children = []) => ({
          text,
          path: this.router.getFullUrl(reflection),
          kind: reflection.kind,
          class: this.getReflectionClasses(reflection),
          children: children.length > 0 ? children : undefined
        })
        const page = (file, below = []) => {
          const reflection = pages.get(file)
          return item(
            reflection,
            reflection.name,
            below.map((one) => page(one))
          )
        }
        const modules = project.getChildrenByKind(ReflectionKind.Module)
        return [
          { text: "Guides", children: contents().guides.map((one) => page(...[one].flat(1))) },
          ...contents().packages.map(({ name, readme }) => {
            const own = modules.filter((module) => module.name.startsWith(`${name}/`))
            const children = own.map((module) => item(module, module.name.slice(name.length + 1)))
            return item(pages.get(readme), name, children)
          })
        ]
      }
    }
  )

  // --- the search ----------------------------------------------------------------------------------------------------

  // Whoever searches for "race condition" knows neither the name of a module nor the title of a guide. The headings of
  // guides and the keywords of packages are closer to the words that people have than all text is, and there are many
  // fields of options and errors that contain "race" or "actor".
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    event.searchFieldWeights.headings = 10
    event.searchFieldWeights.keywords = 25
    for (const reflection of event.searchResults.filter((one) => sources.has(one))) {
      event.removeResult(event.searchResults.indexOf(reflection))
    }
    event.searchResults.forEach((reflection, i) => {
      if (reflection.isDocument()) {
        const text = reflection.content.map((part) => part.text).join("")
        event.searchFields[i].headings = text.replaceAll(fence, "").match(/^#.*$/gm)?.join("\n")
      } else if (reflection.kindOf(ReflectionKind.Module)) {
        const own = contents().packages.find(({ name }) => reflection.name.startsWith(`${name}/`))
        event.searchFields[i].keywords = own?.keywords.join(" ")
      } else if (!reflection.kindOf(ReflectionKind.ExportContainer | ReflectionKind.SomeExport)) {
        reflection.relevanceBoost = 0.3
      }
    })
  })
}
