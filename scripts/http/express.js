import express from "express"
import { counter, runtime, statusOf } from "./actors.js"

const app = express()

app.post("/add/:by", async (request, response) => {
  response.json({ count: await counter.add(Number(request.params.by)) })
})

app.use((error, _request, response, _next) => {
  response.status(statusOf(error)).json({ error: error.message })
})

const server = app.listen(Number(process.env.PORT), "127.0.0.1")
process.once("SIGTERM", () => server.close(() => runtime.dispose()))
