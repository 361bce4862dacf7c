/**
 * Threads of a browser: `npm run bench:browser`. The same calls by hand over `postMessage`, with comlink and with
 * `WorkerHome`, in turns in one run of Chromium; medians, every answer verified.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { launch } from "../../../scripts/chromium.ts"

const rounds = process.argv.includes("--quick") ? 1 : 7

const file = (name: string) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))

const { outputFiles } = await build({
  entryPoints: ["page", "raw.worker", "comlink.worker", "troupe.worker"].map(file),
  outdir: "/",
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  conditions: ["@troupe/source"]
})
const scripts = new Map(outputFiles.map(({ path, text }) => [path, text]))

const run = async (isolated: boolean): Promise<void> => {
  const server = createServer((request, response) => {
    if (isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin")
      response.setHeader("cross-origin-embedder-policy", "require-corp")
    }
    const script = scripts.get(request.url!)
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript")
    response.end(
      script ?? `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const browser = await launch()
  const page = await browser.newPage()
  page.on("console", (message) => console.log(message.text()))
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  console.log(`\nChromium ${browser.version()}, ${availableParallelism()} cores; medians of ${rounds} rounds;`)
  console.log(`a page that ${isolated ? "shares" : "does not share"} memory with its threads`)
  await page.waitForFunction("globalThis.measure !== undefined")
  await page.evaluate(`measure(${rounds})`)
  await browser.close()
  server.close()
}

await run(false)
await run(true)
console.log(`
Wanted: 1000 in flight at most 0.33 of comlink; one after the other, and 1 MB moved, at most 1.5 of it: a call has a number,
a date and a deadline, and goes by a port of its own.`)
