import { runInPage } from "./runner.ts"

await runInPage("browser/inPage.ts", { kind: "plain" })
await runInPage("browser/inPage.ts", { kind: "insecure" })
