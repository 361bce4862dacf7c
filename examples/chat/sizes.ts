/**
 * Of what the bundles of the pages are made.
 *
 *     npx node --conditions=@troupe/source examples/chat/sizes.ts
 */
import path from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { options } from "./bundle.ts"

/** The first that fits a file says whose it is. */
const owners: ReadonlyArray<readonly [owner: string, pattern: RegExp]> = [
  ["Effect's rpc, http and sockets", /node_modules\/effect\/dist\/(rpc|http|socket|encoding)\//],
  ["Effect's Schema", /node_modules\/effect\/dist\/(Schema|schema\/|internal\/schema)/],
  ["the rest of Effect", /node_modules\/effect\//],
  ["Troupe: core", /packages\/core\//],
  ["Troupe: remote", /packages\/remote\//],
  ["React", /node_modules\/(react|react-dom|scheduler)\//],
  ["TanStack Query", /node_modules\/@tanstack\//],
  ["the page", /./]
]

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9)

for (const entry of ["plain.ts", "react.tsx"]) {
  const { metafile, outputFiles } = await build({ ...options, metafile: true, entryPoints: [entry], write: false })
  const [{ contents }] = outputFiles as [(typeof outputFiles)[number]]
  const gzipped = gzipSync(contents).length
  console.log(`${entry}: ${kilobytes(gzipped).trim()} gzipped, ${kilobytes(contents.length).trim()} minified`)
  const parts = new Map(owners.map(([owner]) => [owner, 0]))
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const file = path.resolve(options.absWorkingDir!, input)
      const [owner] = owners.find(([, pattern]) => pattern.test(file))!
      parts.set(owner, parts.get(owner)! + bytesInOutput)
    }
  }
  for (const [owner, bytes] of parts) {
    // Gzipped, parts help each other: each has its share of the whole.
    if (bytes > 0) console.log(`${kilobytes((bytes / contents.length) * gzipped)}  ${owner}`)
  }
}
