import { runInPage } from "./runner.ts"

await runInPage("transfers.test.ts", { kind: "isolated", without: { "a Buffer of Node's pool": "there are none" } })
await runInPage("fidelity.test.ts", { kind: "plain", without: { "docs/homes.md": "it reads files" } })
await runInPage("agreement.test.ts", { kind: "plain" })
await runInPage("stacks.test.ts", { kind: "plain" })
await runInPage("hostile.test.ts", {
  kind: "plain",
  without: { "nested too deeply to be read here": "Chromium writes nothing that it cannot read" }
})
