import Fastify from "fastify"
import { counter, runtime, statusOf } from "./actors.js"

// A connection that is kept alive keeps the server from ending: by default for 72 seconds.
const app = Fastify({ keepAliveTimeout: 5000 })

app.post("/add/:by", async (request) => ({ count: await counter.add(Number(request.params.by)) }))

app.setErrorHandler((error, _request, reply) => reply.code(statusOf(error)).send({ error: error.message }))

// When requests have ended, the actors may.
app.addHook("onClose", () => runtime.dispose())
process.once("SIGTERM", () => app.close())

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" })
