/**
 * Makes the packages as files that other projects can install: builds and packs all of them, or those that are named.
 *
 *     npm run tarballs              # into ./tarballs
 *     npm run tarballs -- core      # this one, and what it needs
 */
import { mkdirSync, rmSync } from "node:fs"
import path from "node:path"
import { publicPackages, root } from "./packages.ts"
import { build, pack } from "./packTarball.ts"

const folder = path.join(root, "tarballs")
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)

const files: Array<string> = []
for (const one of publicPackages(process.argv.slice(2))) {
  await build(one)
  const { file } = await pack(one, folder)
  files.push(path.relative(process.cwd(), file))
}
rmSync(path.join(folder, "staged"), { recursive: true, force: true })
console.log(files.join("\n"))
