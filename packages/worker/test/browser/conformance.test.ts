import { runInPage } from "./runner.ts"

await runInPage("conformance.test.ts", { isolated: true })
await runInPage("conformance.test.ts", { isolated: false })
