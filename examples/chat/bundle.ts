/** The pages as a browser gets them. */
import { readFileSync } from "node:fs"
import path from "node:path"
import { type BuildOptions, build } from "esbuild"

const folder = path.join(import.meta.dirname, "page")

/** How a page is bundled, for those who look into it. */
export const options: BuildOptions = {
  absWorkingDir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox124", "safari17.4"],
  legalComments: "none",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  // The sources of Troupe, in this repository.
  conditions: ["@troupe/source"],
  write: false
}

export interface File {
  readonly contentType: string
  readonly body: string
}

const script = async (entry: string): Promise<File> => {
  const { outputFiles } = await build({ ...options, entryPoints: [entry] })
  return { contentType: "text/javascript; charset=utf-8", body: outputFiles![0]!.text }
}

const read = (file: string, contentType: string): File => ({
  contentType: `${contentType}; charset=utf-8`,
  body: readFileSync(path.join(folder, file), "utf8")
})

export const paths = ["/", "/react", "/chat.css", "/plain.js", "/react.js"] as const

/** The files of the pages, by their paths. */
export const bundle = async (): Promise<Readonly<Record<(typeof paths)[number], File>>> => {
  const [plain, react] = await Promise.all([script("plain.ts"), script("react.tsx")])
  return {
    "/": read("plain.html", "text/html"),
    "/react": read("react.html", "text/html"),
    "/chat.css": read("chat.css", "text/css"),
    "/plain.js": plain,
    "/react.js": react
  }
}
