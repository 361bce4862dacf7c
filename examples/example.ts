/** `npm run example -- chat-room`: runs one of the small examples. */

const examples = [
  "rate-limited-client",
  "job-queue",
  "chat-room",
  "pipeline",
  "flaky-worker",
  "plain-script",
  "http-server",
  "sync-formatter"
]

const [name = ""] = process.argv.splice(2, 1)
if (examples.includes(name)) {
  await import(`./${name}.ts`)
} else {
  console.error(
    `${name === "" ? "Which example?" : `There is no example "${name}".`} There are ${examples.join(", ")}.`
  )
  process.exitCode = 2
}
