import { runInPage } from "./runner.ts"

await runInPage("tasks.test.ts", { kind: "isolated", without: { "a Buffer of Node's pool": "there are none" } })
await runInPage("sight.test.ts", { kind: "plain" })
await runInPage("threads.test.ts", {
  kind: "plain",
  without: { "its own async context": "there is no AsyncLocalStorage" }
})
