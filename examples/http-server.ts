/**
 * An actor inside a plain `node:http` server: the handler is an ordinary async function, and the counter is shared by
 * all requests without a lock.
 *
 *     npx node --conditions=@troupe/source examples/http-server.ts          # listens until Ctrl-C
 *     npx node --conditions=@troupe/source examples/http-server.ts --once   # sends itself requests, prints, and ends
 *
 * `PORT` sets the port; by default the system chooses one. It listens on the loopback address only.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, ManagedRuntime, Ref } from "effect"

class Counter extends Actor.Service<Counter>()("app/Counter", {
  // One at a time: an increment may read, wait and write, and no other increment interleaves.
  maxConcurrency: 1,
  make: Effect.gen(function* () {
    const count = yield* Ref.make(0)
    return {
      increment: Effect.fnUntraced(function* (by: number) {
        const before = yield* Ref.get(count)
        yield* Effect.sleep("5 millis") // pretend to write it down somewhere
        yield* Ref.set(count, before + by)
        return before + by
      }),
      current: () => Ref.get(count)
    }
  })
}) {}

const runtime = ManagedRuntime.make(Counter.layer)
const counter = AsyncHandle.make(await runtime.runPromise(Counter))

const handle = async (request: IncomingMessage, response: ServerResponse) => {
  const url = new URL(request.url ?? "/", "http://localhost")
  if (url.pathname !== "/") return reply(response, 404, { error: "There is only /." })
  if (request.method === "GET") return reply(response, 200, { count: await counter.current() })
  if (request.method !== "POST") return reply(response, 405, { error: "GET reads, POST increments." })
  const by = Number(url.searchParams.get("by") ?? 1)
  if (!Number.isInteger(by)) return reply(response, 400, { error: "by must be an integer" })
  return reply(response, 200, { count: await counter.increment(by) })
}

const reply = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`)
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => reply(response, 500, { error: String(error) }))
})

/** Accepts no more requests, lets those in progress finish, then stops the actor. */
const close = async () => {
  server.close()
  await once(server, "close")
  await runtime.dispose()
}

try {
  server.listen(Number(process.env.PORT ?? 0), "127.0.0.1")
  await once(server, "listening")
} catch (error) {
  console.error(`PORT=${process.env.PORT}: ${(error as Error).message}`)
  process.exit(1)
}
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

if (process.argv.includes("--once")) {
  const ask = async (path: string, method: string) => {
    const response = await fetch(new URL(path, url), { method, headers: { connection: "close" } })
    return `${method} ${path} -> ${response.status} ${(await response.text()).trim()}`
  }
  const posts = await Promise.all(Array.from({ length: 20 }, () => ask("/", "POST")))
  console.log(`20 POSTs at once, ${new Set(posts).size} different answers`)
  for (const [path, method] of [
    ["/", "GET"],
    ["/?by=22", "POST"],
    ["/?by=x", "POST"],
    ["/", "PUT"],
    ["/x", "GET"]
  ] as const) {
    console.log(await ask(path, method))
  }
  await close()
  console.log("closed")
} else {
  console.log(`${url}  (curl -X POST ${url} increments, Ctrl-C ends)`)
  process.once("SIGINT", close)
  process.once("SIGTERM", close)
}
