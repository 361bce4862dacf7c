// Tools that few people run have a folder and a lock file of their own, so that `npm ci` does not bring them to all.
import { existsSync } from "node:fs"
import path from "node:path"
import { readJson, root } from "./packages.ts"
import { run } from "./packTarball.ts"

/** npm leaves this file behind; it is as old as the installation. */
const isInstalled = (folder: string): boolean => {
  const hidden = path.join(folder, "node_modules/.package-lock.json")
  if (!existsSync(hidden)) return false
  const wanted = Object.entries<{ readonly integrity?: string }>(
    readJson(path.join(folder, "package-lock.json")).packages
  )
  const present = readJson(hidden).packages
  return wanted.every(([name, { integrity }]) => name === "" || present[name]?.integrity === integrity)
}

/** Installs what the lock file of a folder has, unless it is there. */
export const installOwn = async (folder: string): Promise<void> => {
  if (isInstalled(folder)) return
  console.log(`installing the dependencies of ${path.relative(root, folder)}`)
  await run(folder, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
}
