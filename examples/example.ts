/** `npm run example -- chat-room` runs one of the small examples. Further arguments are passed on to it. */

const examples = [
  "rate-limited-client",
  "job-queue",
  "chat-room",
  "pipeline",
  "flaky-worker",
  "plain-script",
  "http-server",
  "sync-formatter",
  "observability"
]

/** The larger examples have their own commands. */
const commands: { readonly [name: string]: string } = {
  tour: "npm start",
  links: "npm start -- links",
  duplicates: "npm start -- duplicates",
  service: "npm run service",
  chat: "npm run chat",
  demo: "npm run demo",
  bank: "npm run bank"
}

const [name = ""] = process.argv.splice(2, 1)
if (examples.includes(name)) {
  await import(name === "observability" ? "./observability/main.ts" : `./${name}.ts`)
} else {
  const command = commands[name]
  console.error(
    command !== undefined
      ? `Start it with \`${command}\`.`
      : `${name === "" ? "Which example?" : `There is no example "${name}".`} There are ${examples.join(", ")}.`
  )
  process.exitCode = 2
}
