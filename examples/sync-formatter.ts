/**
 * A synchronous callback over an asynchronous tool: `String.replace` needs its replacement at once, and the formatter
 * (`biome format`, a separate process) takes time. The formatter is an actor on another thread, so this thread may
 * block on it with `ObjectRef.getSync`.
 *
 * `npm run example -- sync-formatter`, or `npx node --conditions=@troupe/source examples/sync-formatter.ts`
 */
import { Driver, ObjectRef } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Layer, ManagedRuntime } from "effect"
import { Formatter } from "./sync-formatter/Formatter.ts"

const url = new URL("./sync-formatter/formatter.worker.ts", import.meta.url)
const runtime = ManagedRuntime.make(Layer.mergeAll(WorkerHome.layer(Formatter, { url }), Driver.layer))
const formatter = await runtime.runPromise(Formatter)
const driver = await runtime.runPromise(Driver.Driver)

const format = (code: string): string =>
  ObjectRef.getSync(runtime.runSync(formatter.format.remote(code)), { driver, timeout: "30 seconds" })

const markdown = `Some code, as people paste it:

\`\`\`ts
const  sum=(a:number,b:number)=>a+b;console.log( sum(1,2) )
\`\`\`

And some that is none:

\`\`\`ts
const = 1
\`\`\`
`

// An ordinary synchronous callback.
const formatted = markdown.replaceAll(/(```ts\n)([^`]*)(```)/g, (block, open, code, close) => {
  try {
    return `${open}${format(code)}${close}`
  } catch (error) {
    return `${block}\n(left as it is: ${(error as Error).message})`
  }
})
console.log(formatted)

await runtime.dispose()
