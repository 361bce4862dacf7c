// Sends requests to a worker in workerd, those of one step at once, and prints the answers of each step in their order.
import { pathToFileURL } from "node:url"

const [, , miniflare, script, flags, ...steps] = process.argv
const { Miniflare } = await import(pathToFileURL(miniflare))
const flare = new Miniflare({
  modules: true,
  scriptPath: script,
  compatibilityDate: "2026-07-01",
  compatibilityFlags: flags.split(",").filter((flag) => flag !== ""),
  durableObjects: { OBJECTS: "CounterObject" }
})

const ask = async (path) => {
  const answer = await flare.dispatchFetch(`http://localhost${path}`)
  return (await answer.text()).replace(/#\d+/, "#")
}

for (const step of steps) {
  const answers = await Promise.all(step.split("+").map(ask))
  console.log(`${step}: ${answers.sort().join(" | ")}`)
}
await flare.dispose()
