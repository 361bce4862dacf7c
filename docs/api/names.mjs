// A plugin of TypeDoc. It calls modules what people import, "@troupe/core/Actor", rather than by the paths of sources,
// and shows the comment that opens a module, which TypeDoc takes for one only when it says @module.
import { Comment, Converter, MinimalSourceFile, ReflectionKind } from "typedoc"

const opening = /^\/\*\*([\s\S]*?)\*\//

/** @param {import("typedoc").Application} app */
export const load = (app) => {
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
}
