/**
 * The routes of the inspector, and the guard in front of them.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import type { Inspect } from "../base/inspect.ts"
import type { Feed } from "../live/feed.ts"
import type { Info } from "../live/frame.ts"
import { type Access, refuseStrangers, refuseWithoutToken } from "./access.ts"
import * as byNumber from "./byNumber.ts"
import type { Whole } from "./cluster.ts"
import { type Gate, Places } from "./limits.ts"
import type { Peers } from "./nodes.ts"
import type { Bounds } from "./options.ts"
import { pageFiles } from "./pageFiles.ts"
import { idIn, LONGEST_SEARCH, search, snapshotOptions, whole } from "./query.ts"
import { json, type Refused, refusal, refuse, secured } from "./reply.ts"
import * as traces from "./traces.ts"
import * as views from "./views.ts"

export interface ServerOptions {
  readonly access: Access
  readonly info: Info
  readonly feed: Feed
  readonly gate: Gate
  readonly bounds: Bounds
  readonly inspect: Inspect | undefined
  /** What this node tells of itself. */
  readonly node: Effect.Effect<{ readonly node?: string; readonly title: string }>
  readonly whole: Whole
  readonly peers: Peers
}

type Response = HttpServerResponse.HttpServerResponse

/** The longest recording, in seconds: the answer is made in memory. */
const LONGEST_RECORDING = 60

const answered = <R>(answer: Effect.Effect<Response, Refused, R>): Effect.Effect<Response, never, R> =>
  Effect.catch(answer, (refused) => Effect.succeed(refusal(refused)))

const get = <R>(path: `/${string}`, answer: Effect.Effect<unknown, Refused, R>) =>
  HttpRouter.route("GET", path, answered(Effect.map(answer, (body) => json(body))))

const page = Object.entries(pageFiles).map(([path, { body, contentType }]) =>
  HttpRouter.route("GET", path as `/${string}`, HttpServerResponse.text(body, { contentType }))
)

/** Node's object for the response to the present request. */
const nodeResponse: Effect.Effect<ServerResponse, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  (request) => NodeHttpServerRequest.toServerResponse(request) as ServerResponse
)

const take = (places: Places) => Effect.flatMap(nodeResponse, (response) => places.take(response))

const timeline = ({ maxRecordingBytes, maxRecordings }: Bounds) => {
  const places = new Places(
    maxRecordings,
    `${maxRecordings === 1 ? "a recording is" : `${maxRecordings} recordings are`} in progress already, and each takes ` +
      "memory of the program; try again when one has ended, or raise `maxRecordings` of Inspector.layer"
  )
  return Effect.gen(function* () {
    const seconds = yield* whole("seconds", (yield* search).get("seconds") ?? "5", 1)
    if (seconds > LONGEST_RECORDING) return yield* refuse(400, `seconds must be at most ${LONGEST_RECORDING}`)
    yield* take(places)
    const trace = yield* views.recording(seconds, maxRecordingBytes)
    return HttpServerResponse.text(trace, {
      contentType: "application/json",
      headers: { "content-disposition": 'attachment; filename="troupe-trace.json"' }
    })
  })
}

/** A trace has an id of so many digits. */
const TRACE = /^[0-9a-f]{1,64}$/i

const trace = ({ bounds, node, peers }: ServerOptions) =>
  Effect.gen(function* () {
    const id = (yield* HttpRouter.params).trace ?? ""
    if (!TRACE.test(id)) return yield* refuse(400, "a trace is a hexadecimal number")
    const own = yield* node
    const here = traces.here(id, own.node ?? own.title, bounds.maxInstances)
    return (yield* search).get("nodes") === "here" ? yield* here : yield* traces.everywhere(id, peers, here)
  })

const reading = (options: ServerOptions) => [
  get("/api/info", Effect.succeed(options.info)),
  get("/api/node", options.node),
  get(
    "/api/nodes",
    Effect.map(options.whole.cluster, ({ nodes }) => nodes)
  ),
  get("/api/cluster", options.whole.cluster),
  get("/api/failed", options.whole.failed),
  get("/api/trace/:trace", trace(options)),
  ...ofProgram(options)
]

const ofProgram = ({ bounds, feed, inspect }: ServerOptions) => [
  get("/api/snapshot", Effect.flatMap(snapshotOptions(bounds.maxInstances), ActorSystem.snapshot)),
  get(
    "/api/calls",
    Effect.flatMap(snapshotOptions(bounds.maxInstances), (options) => views.calls(options, inspect))
  ),
  get(
    "/api/find",
    Effect.flatMap(search, (query) => views.find((query.get("search") ?? "").slice(0, LONGEST_SEARCH)))
  ),
  get(
    "/api/instance/:instance",
    Effect.flatMap(idIn("instance"), (id) => views.instance(id, inspect))
  ),
  get(
    "/api/explain/:call",
    Effect.gen(function* () {
      const call = yield* idIn("call")
      return { call, text: yield* byNumber.explain(call) }
    })
  ),
  get(
    "/api/waits",
    Effect.map(feed.live, ({ waits }) => waits)
  ),
  get(
    "/api/recent",
    Effect.gen(function* () {
      const after = yield* whole("after", (yield* search).get("after") ?? "0")
      const live = yield* feed.live
      return live.recent(after, yield* ActorSystem.snapshot({ limit: 2000 }))
    })
  ),
  HttpRouter.route("GET", "/api/timeline", answered(timeline(bounds))),
  HttpRouter.route("GET", "/api/feed", answered(updates(feed, bounds)))
]

/** The stream of updates. A page that does not read holds up nothing: what it misses stays in the state. */
const updates = ({ updates }: Feed, { maxPages }: Bounds) => {
  const places = new Places(
    maxPages,
    `${maxPages === 1 ? "a page is" : `${maxPages} pages are`} open already; close one, or raise \`maxPages\` of ` +
      "Inspector.layer"
  )
  const response = HttpServerResponse.stream(updates, {
    contentType: "text/event-stream",
    // Proxies must not buffer updates.
    headers: { "x-accel-buffering": "no" }
  })
  return Effect.as(take(places), response)
}

const post = <R>(path: `/${string}`, result: Effect.Effect<string, Refused, R>) =>
  HttpRouter.route("POST", path, answered(Effect.map(result, (result) => json({ result }))))

/** The id of a reminder has slashes, so it is not part of the path. */
const idOfWork = Effect.flatMap(search, (query) => {
  const id = query.get("id") ?? ""
  return id === "" || id.length > LONGEST_ID
    ? Effect.fail(refuse(400, "id must be that of a durable call or reminder that failed"))
    : Effect.succeed(id)
})

/** Three texts of at most 255 characters, each of which may be written as nine. */
const LONGEST_ID = 7000

const controlling = ({ whole: cluster }: ServerOptions) => [
  post("/api/failed/retry", Effect.flatMap(idOfWork, cluster.retry)),
  post("/api/failed/drop", Effect.flatMap(idOfWork, cluster.drop)),
  post(
    "/api/cancel/:call",
    Effect.gen(function* () {
      const recursive = (yield* search).get("recursive") !== "false"
      return yield* byNumber.cancel(yield* idIn("call"), recursive)
    })
  ),
  post("/api/kill/:instance", Effect.flatMap(idIn("instance"), byNumber.kill)),
  post("/api/stop/:instance", Effect.flatMap(idIn("instance"), byNumber.stop)),
  post(
    "/api/resize/:instance",
    Effect.gen(function* () {
      const query = yield* search
      const text = query.get("limit") ?? ""
      const limit = text === "Infinity" ? Infinity : yield* whole("limit", text, 1)
      return yield* byNumber.resize(yield* idIn("instance"), limit, query.get("group") || undefined)
    })
  )
]

const readOnly = HttpRouter.route(
  "POST",
  "*",
  Effect.succeed(refusal(refuse(403, "this inspector is read-only: give `control: true` to Inspector.layer")))
)

const guard = ({ access, gate }: ServerOptions, request: HttpServerRequest.HttpServerRequest): Refused | undefined => {
  const beyond = gate.enter(
    NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage,
    NodeHttpServerRequest.toServerResponse(request) as ServerResponse
  )
  if (beyond !== undefined) return beyond
  // The page itself reveals nothing, and any site may link to it. Only exact paths count as the page: the router may take
  // other spellings for the same path.
  const isPage = Object.hasOwn(pageFiles, request.url)
  const { host, origin, authorization, "sec-fetch-site": site } = request.headers
  const headers = isPage ? { host } : { host, origin, authorization, "sec-fetch-site": site }
  const refused = refuseStrangers(access, headers) ?? (isPage ? undefined : refuseWithoutToken(access, headers))
  return refused && refuse(refused.status, refused.error)
}

/** Answers every request, also those that fail. */
export const make = (
  options: ServerOptions
): Effect.Effect<Effect.Effect<Response, never, HttpServerRequest.HttpServerRequest | Scope.Scope>> =>
  Effect.gen(function* () {
    const router = yield* HttpRouter.make
    yield* router.addAll([...page, ...reading(options), ...(options.info.control ? controlling(options) : [readOnly])])
    const routed = router.asHttpEffect()
    const answer = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refused = guard(options, request)
      return refused === undefined ? routed : Effect.succeed(refusal(refused))
    })
    return answer.pipe(
      // The router fails if there is no route.
      Effect.catch(() => Effect.succeed(refusal(refuse(404, "there is nothing here; the page is at /")))),
      // Answers come from instances and homes, which are foreign code.
      Effect.catchDefect((defect) =>
        Effect.as(
          Effect.logError("Inspector: cannot answer a request", defect),
          refusal(refuse(500, "the inspector failed to answer; the log of the program says why"))
        )
      ),
      Effect.map(secured)
    )
  })
