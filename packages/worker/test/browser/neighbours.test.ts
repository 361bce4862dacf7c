import { runInPage } from "./runner.ts"

await runInPage("neighbours.test.ts", {
  kind: "isolated",
  without: { "in the same batch as what ended the thread": "after `close()` a worker goes on until its turn is over" }
})
await runInPage("computing.test.ts", { kind: "isolated" })
