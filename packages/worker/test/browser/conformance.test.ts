import { runInPage } from "./runner.ts"

await runInPage("conformance.test.ts", { kind: "isolated" })
await runInPage("conformance.test.ts", { kind: "insecure" })
