import { execFile } from "node:child_process"
import { createRequire } from "node:module"
import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Formatter, NotFormatted } from "./Formatter.ts"

const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome")

/** Formats in a separate process, which is as asynchronous as it gets. */
const format = (code: string) =>
  Effect.callback<string, NotFormatted>((resume) => {
    const args = [biome, "format", "--stdin-file-path=code.ts"]
    const child = execFile(process.execPath, args, (error, stdout) =>
      resume(error === null ? Effect.succeed(stdout) : Effect.fail(new NotFormatted({ reason: "not TypeScript" })))
    )
    child.stdin?.end(code)
    return Effect.sync(() => child.kill())
  })

WorkerHome.serve(Formatter, Formatter.toLayer(Effect.succeed(Formatter.of({ format })), { maxConcurrency: 2 }))
