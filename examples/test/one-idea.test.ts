import { assert, describe, it } from "@effect/vitest"
import { run } from "./run.ts"

/** The examples that are one file with one idea, each with all that it prints. */
const outputs = {
  "rate-limited-client": `Without the actor
2 of 10 served
  0.0 s  /users/1
  0.0 s  /users/2
With the actor
10 of 10 served
  0.0 s  /users/1
  0.0 s  /users/2
  0.3 s  /users/3
  0.3 s  /users/4
  1.0 s  /users/5
  1.0 s  /users/6
  1.3 s  /users/7
  1.3 s  /users/8
  2.0 s  /users/9
  2.0 s  /users/10
`,
  "job-queue": `ada: delivered (attempts: 1)
bob: delivered (attempts: 3)
cleo: dead letter, there is no mailbox cleo (attempts: 1)
dan: dead letter, dan is busy (attempts: 4)
`,
  "chat-room": `open rooms: none
open rooms: kitchen, garden
early in the kitchen: (the kitchen opens) | Ada: Tea? | Cleo: Please! | Ada: Goodbye!
late in the kitchen:  (the kitchen opens) | Ada: Tea? | Cleo: Please! | Ada: Goodbye!
in the garden:        (the garden opens) | Bob: Rain. | Bob: Goodbye!
open rooms after a while: none
`,
  pipeline: `/cats: 3 words
/dogs: 3 words
/gone: not found
/fish: 3 words
"cats" is on [ '/cats', '/dogs' ]
"like" is on [ '/cats', '/dogs', '/fish' ]
"nobody" is on [ '/fish' ]
`,
  "flaky-worker": `switched on, restarts: 0
printed page 1
printed page 2
switched off
switched on, restarts: 1
printed page 4
printed page 5
switched off
switched on, restarts: 2
printed page 7
printed page 8
page 3 failed: Error: paper jam
page 6 failed: Error: paper jam
page 9 failed: Error: paper jam
page 10 failed: ActorDied
switched off
the printer died: its restart schedule ended (Error: paper jam)
`
}

describe("one file, one idea", () => {
  it.each(Object.entries(outputs))("%s prints what it should, and ends", async (name, stdout) => {
    assert.deepStrictEqual(await run(`${name}.ts`), { code: 0, stdout, stderr: "" })
  })
})

describe("npm run example", () => {
  it("runs the example that it is given, with the arguments after it", async () => {
    assert.deepStrictEqual(await run("example.ts", ["job-queue"]), {
      code: 0,
      stdout: outputs["job-queue"],
      stderr: ""
    })
    assert.include((await run("example.ts", ["http-server", "--once"])).stdout, "closed\n")
  })

  it.each([
    ["no example", [], "Which example? There are rate-limited-client, job-queue, "],
    ["a larger one", ["demo"], "Start it with `npm run demo`."],
    ["an unknown one", ["nope"], 'There is no example "nope". There are rate-limited-client, job-queue, ']
  ])("refuses %s with exit code 2, and says what to do", async (_, args, reason) => {
    const { code, stdout, stderr } = await run("example.ts", args)
    assert.include(stderr, reason)
    assert.strictEqual(stdout, "")
    assert.strictEqual(code, 2)
  })
})
