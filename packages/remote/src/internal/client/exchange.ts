/**
 * One request over HTTP, and its answer as it comes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { RpcMessage } from "../engine.ts"
import { bytesBeyond, messagesIn, requestLine } from "../wire/messages.ts"
import type { Request } from "./link.ts"
import { addressOf, type Settings } from "./settings.ts"

/** What keeps a call from being sent, or its answer from coming. */
export class Trouble {
  readonly why: string
  /** Whether the server may have begun the call. */
  readonly begun: boolean
  readonly cause: unknown
  /** Whether sending it again would be answered the same. */
  readonly isFinal: boolean
  constructor(why: string, begun: boolean, cause?: unknown, isFinal = false) {
    this.why = why
    this.begun = begun
    this.cause = cause
    this.isFinal = isFinal
  }
}

type Tell = (message: RpcMessage.FromServerEncoded) => Effect.Effect<void>

/**
 * Ends when the answer does. Interrupting it aborts the request, which ends the call at the server. `most` is how many bytes
 * the server takes: one that has more is not sent, and `refuse` is told how many it has.
 */
export const exchange = (
  settings: Settings,
  { payload, ...request }: Request,
  tell: Tell,
  most = Infinity,
  refuse?: (bytes: number) => void
): Effect.Effect<void, Trouble> =>
  Effect.gen(function* () {
    const { headers, status } = settings
    const own = yield* Effect.mapError(headers, (cause) => new Trouble("its headers could not be made", false, cause))
    const body = requestLine({ ...request, _tag: "Request", id: 1, headers: [...own, ...request.headers] }, payload)
    const bytes = bytesBeyond(body, most)
    if (bytes !== undefined) return refuse?.(bytes)
    const controller = new AbortController()
    yield* exchanging(settings, body, tell, controller.signal).pipe(
      Effect.tapError(({ isFinal, why }) =>
        // A server that refuses is there.
        isFinal ? Effect.void : Effect.map(Clock.currentTimeMillis, (now) => status.lost(why, now))
      ),
      Effect.onInterrupt(() => Effect.sync(() => controller.abort()))
    )
  })

const exchanging = (
  { status, url }: Settings,
  body: string,
  tell: Tell,
  signal: AbortSignal
): Effect.Effect<void, Trouble> =>
  Effect.gen(function* () {
    const response = yield* Effect.tryPromise({
      try: () => fetch(url, { method: "POST", headers: { "content-type": "application/x-ndjson" }, body, signal }),
      catch: (cause) => new Trouble(`no connection could be made to ${addressOf(url)}`, !isRefused(cause), cause)
    })
    if (response.status !== 200) return yield* Effect.fail(yield* Effect.promise(() => refused(response)))
    status.connected()
    let isEnded = false
    for (let rest = "", decoder = new TextDecoder(), reader = response.body!.getReader(); ; ) {
      const { done, value } = yield* Effect.tryPromise({
        try: () => reader.read(),
        catch: (cause) => new Trouble("the connection to the server was lost", true, cause)
      })
      if (done) break
      // Only what is new is looked at: a long answer comes in hundreds of pieces.
      const text = decoder.decode(value, { stream: true })
      const whole = text.lastIndexOf("\n") + 1
      const lines = whole === 0 ? "" : rest + text.slice(0, whole)
      rest = whole === 0 ? rest + text : text.slice(whole)
      for (const message of messagesIn(lines)) {
        isEnded ||= message._tag === "Exit"
        yield* tell(message)
      }
    }
    if (!isEnded) return yield* Effect.fail(new Trouble("the server ended its answer early", true))
  })

/** Whether nobody listens at the address, so that nothing was sent. Browsers do not tell. */
const isRefused = (error: any): boolean => /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/.test(error?.cause?.code)

/** A timeout, a request that came too early, or too many of them: later it may be served. */
const PASSING = [408, 425, 429]

const refused = async (response: Response): Promise<Trouble> => {
  const { status, url } = response
  const words = (await response.text().catch(() => "")).slice(0, 300).replace(/\.?\s*$/, "")
  const why = `the server answered ${status} at ${addressOf(url)}${words && `: ${words}`}`
  const isRefusal = status < 500 && !PASSING.includes(status)
  return new Trouble(why, status >= 500 && status !== 503, undefined, isRefusal)
}
