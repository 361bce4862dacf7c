/** The Chromium of this machine, for tests and benchmarks that need a real browser. */
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

const places = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser"]

/** Where it is, if it is anywhere. */
export const executable: string | undefined = places.find((place) => place !== undefined && existsSync(place))

/** Says once, where there is none, that tests are skipped. `what` needs it. */
export const warnWithout = (what: string): void => {
  if (executable !== undefined) return
  console.warn(`Skipped: ${what} need Chromium. \`apt-get install chromium\`, or say where: CHROMIUM_PATH.`)
}

export const launch = (...args: ReadonlyArray<string>): Promise<Browser> => {
  if (executable === undefined) throw new Error("There is no Chromium. Install it, or say where it is: CHROMIUM_PATH.")
  return chromium.launch({
    executablePath: executable,
    // As root and in containers there is no sandbox, little shared memory and no graphics.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", ...args]
  })
}
