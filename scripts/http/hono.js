import { serve } from "@hono/node-server"
import { Hono } from "hono"
import { counter, runtime, statusOf } from "./actors.js"

const app = new Hono()

app.post("/add/:by", async (context) => context.json({ count: await counter.add(Number(context.req.param("by"))) }))

app.onError((error, context) => context.json({ error: error.message }, statusOf(error)))

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: "127.0.0.1" })
process.once("SIGTERM", () => server.close(() => runtime.dispose()))
