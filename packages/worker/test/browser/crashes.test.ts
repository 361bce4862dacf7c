import { runInPage } from "./runner.ts"

const without = {
  "running out of memory": "browsers have no limits of memory, and may end the page",
  "its file ends without serving": "the worker goes on",
  "does not keep the process alive": "there is no process"
}

await runInPage("crashes.test.ts", { kind: "isolated", without })

const shared = "it shares memory with the thread"
await runInPage("crashes.test.ts", {
  kind: "plain",
  without: {
    ...without,
    "process.exit fails": "without shared memory, the error names all calls that ran",
    "runs again, as far as maxTaskRetries goes": shared,
    "finalizers do not run in a thread that hangs": shared,
    "also when no call runs": shared,
    "random losses": "the isolated page has lost enough"
  }
})
