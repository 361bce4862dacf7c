// Runs a server of this folder, sends it requests, and ends it: node try.js ./fastify.js
import { createServer } from "node:http"
import { setTimeout } from "node:timers/promises"

const free = createServer().listen(0)
process.env.PORT = free.address().port
await new Promise((resolve) => free.close(resolve))
await import(process.argv[2])

const post = async (path) => {
  const url = `http://127.0.0.1:${process.env.PORT}${path}`
  const response = await fetch(url, { method: "POST", headers: { connection: "close" } }).catch(() => undefined)
  return response === undefined ? "refused" : `${response.status} ${await response.text()}`
}
while ((await post("/other")) === "refused") await setTimeout(10)

console.log(await post("/add/1"))
const statuses = await Promise.all(Array.from({ length: 150 }, async () => (await post("/add/1")).slice(0, 3)))
console.log([...new Set(statuses)].sort())

const last = post("/add/1")
await setTimeout(10)
process.emit("SIGTERM")
console.log((await last).slice(0, 3))
while ((await post("/other")) !== "refused") await setTimeout(10)
console.log("closed")
