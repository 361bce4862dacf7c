/**
 * One request over HTTP, and its answer as it comes.
 */
import * as Effect from "effect/Effect"
import type { RpcMessage } from "../engine.ts"
import { bytesBeyond, messagesIn, requestLine } from "../wire/messages.ts"
import type { Request } from "./link.ts"
import { addressOf, type Settings } from "./settings.ts"

/** What keeps a call from being sent, or its answer from coming. */
export interface Trouble {
  readonly why: string
  /** Whether the server may have begun the call. */
  readonly begun: boolean
  readonly cause: unknown
  /** Whether sending it again would be answered the same. */
  readonly isFinal: boolean
}

export const trouble = (why: string, begun: boolean, cause?: unknown, isFinal = false): Trouble => ({
  why,
  begun,
  cause,
  isFinal
})

/** Takes a message, and says when the next one may come, if that is not yet. */
type Tell = (message: RpcMessage.FromServerEncoded) => Promise<void> | undefined | void

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
    const own = yield* Effect.mapError(headers, (cause) => trouble("its headers could not be made", false, cause))
    const body = requestLine({ ...request, _tag: "Request", id: 1, headers: [...own, ...request.headers] }, payload)
    const bytes = bytesBeyond(body, most)
    if (bytes) return refuse?.(bytes)
    yield* Effect.tapError(
      Effect.tryPromise({
        try: (signal) => answered(settings, body, tell, signal),
        catch: (error) => error as Trouble
      }),
      ({ isFinal, why }) =>
        // A server that refuses is there.
        isFinal
          ? Effect.void
          : Effect.clockWith((clock) => Effect.sync(() => status.lost(why, clock.currentTimeMillisUnsafe())))
    )
  })

/** Nobody listens at the address, so that nothing was sent. Browsers do not tell. */
const REFUSED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/
const LOST = "the connection to the server was lost"

/** Ends as the answer does. What it throws is a {@link Trouble}. */
const answered = async ({ status, url }: Settings, body: string, tell: Tell, signal: AbortSignal): Promise<void> => {
  let why = `no connection could be made to ${addressOf(url)}`
  const lost = (error?: any): never => {
    const code = error?.cause?.code
    throw trouble(/RESET|PIPE|SOCKET/.test(code) ? LOST : why, !REFUSED.test(code), error)
  }
  const headers = { "content-type": "application/x-ndjson" }
  const response = await fetch(url, { method: "POST", headers, body, signal }).catch(lost)
  if (response.status !== 200) throw await refused(response)
  status.connected()
  why = LOST
  let isEnded = false
  for (let rest = "", decoder = new TextDecoder(), reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read().catch(lost)
    if (done) break
    // Only what is new is looked at: a long answer comes in hundreds of pieces.
    const text = decoder.decode(value, { stream: true })
    const whole = text.lastIndexOf("\n") + 1
    const lines = whole === 0 ? "" : rest + text.slice(0, whole)
    rest = whole === 0 ? rest + text : text.slice(whole)
    for (const message of messagesIn(lines)) {
      isEnded ||= message._tag === "Exit"
      await tell(message)
    }
  }
  // What ends early was cut off on its way.
  if (!isEnded) lost()
}

/** A timeout, a request that came too early, or too many of them: later it may be served. */
const PASSING = /408|425|429|5../

const refused = async (response: Response): Promise<Trouble> => {
  const { status, url } = response
  const words = (await response.text().catch(() => "")).slice(0, 300).replace(/\.?\s*$/, "")
  const why = `the server answered ${status} at ${addressOf(url)}${words && `: ${words}`}`
  return trouble(why, status >= 500 && status !== 503, undefined, !PASSING.test(`${status}`))
}
