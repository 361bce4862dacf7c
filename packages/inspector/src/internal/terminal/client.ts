/**
 * The client of the command: requests to the server of `Inspector.layer`, and messages for people when they fail.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { InspectError } from "../../InspectError.ts"
import { MOST_OF_AN_ERROR, safe } from "../base/shown.ts"

/** Where an inspector is, and the token that it needs. */
export interface Address {
  /** With a slash at the end. */
  readonly base: string
  readonly token: string | undefined
}

export const DEFAULT_ADDRESS = "http://127.0.0.1:4680"

/** How long a server may take to answer, in milliseconds. */
const PATIENCE = 30_000
/** More characters than the trace or the snapshot of a large program. */
const MOST_OF_AN_ANSWER = 256 * 1024 * 1024

const EXAMPLE = `Give it as the program printed it, like ${DEFAULT_ADDRESS}`

/** Parses `http://127.0.0.1:4680/#token=abc`. The scheme may be missing. */
export const parseAddress = (text: string, token: string | undefined): Result.Result<Address, InspectError> => {
  const bad = (why: string) =>
    Result.fail(new InspectError({ reason: "BadAddress", message: `"${text}" ${why}. ${EXAMPLE}.` }))
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (text === "" || !URL.canParse(full)) return bad("is not an address")
  const url = new URL(full)
  if (url.protocol !== "http:" && url.protocol !== "https:") return bad("is neither an http nor an https address")
  const given = new URLSearchParams(url.hash.slice(1)).get("token") ?? undefined
  url.hash = ""
  url.search = ""
  if (!url.pathname.endsWith("/")) url.pathname += "/"
  return Result.succeed({ base: url.href, token: token ?? given })
}

/** What to ask the server for. */
export interface Filter {
  readonly actor?: string | undefined
  readonly name?: string | undefined
  readonly instance?: number | undefined
  readonly state?: ReadonlyArray<string> | undefined
  /** Words in the actors, keys and names of instances. */
  readonly search?: string | undefined
  readonly limit?: number | undefined
}

const ErrorBody = Schema.Struct({ error: Schema.String })
const Explanation = Schema.Struct({ call: Schema.Int, text: Schema.String })
const Trace = Schema.Struct({ traceEvents: Schema.Array(Schema.Unknown) })

/** A server may say anything, so the message is cut and cleaned. */
const fail = (reason: InspectError["reason"], message: string) =>
  new InspectError({ reason, message: safe(message.slice(0, MOST_OF_AN_ERROR)) })

export const makeClient = (address: Address): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (http) => new Client(http, address))

export class Client {
  /** The address without the token, as people are shown it. */
  readonly address: string
  private readonly base: string
  private readonly token: string | undefined
  private readonly http: HttpClient.HttpClient

  constructor(http: HttpClient.HttpClient, { base, token }: Address) {
    this.address = base.replace(/\/$/, "")
    this.base = base
    this.token = token
    this.http = http
  }

  snapshot(filter: Filter = {}) {
    return this.read(`api/snapshot${queryOf(filter)}`, ActorSystem.Snapshot)
  }

  explain(call: number) {
    return this.read(`api/explain/${call}`, Explanation)
  }

  /** The text of the trace, as it came: it may be large. */
  timeline(seconds: number) {
    const path = `api/timeline?seconds=${seconds}`
    return Effect.flatMap(this.get(path, seconds * 1000 + PATIENCE), (text) =>
      Effect.map(this.decode(path, Trace, text), ({ traceEvents }) => ({ text, events: traceEvents.length }))
    )
  }

  private read<S extends Schema.ConstraintDecoder<unknown>>(path: string, schema: S) {
    return Effect.flatMap(this.get(path, PATIENCE), (text) => this.decode(path, schema, text))
  }

  private get(path: string, patience: number): Effect.Effect<string, InspectError> {
    const { http, token } = this
    const request = HttpClientRequest.get(this.base + path)
    return http.execute(token === undefined ? request : HttpClientRequest.bearerToken(request, token)).pipe(
      Effect.mapError((error) => this.notListening(error)),
      Effect.flatMap((response) =>
        response.status === 200 ? this.textOf(path, response) : this.refuse(path, response)
      ),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () =>
          fail("NothingListens", `${this.address} has not answered ${path} within ${patience / 1000} seconds.`)
      })
    )
  }

  /** The text of a response, unless it does not end. */
  private textOf(path: string, { stream }: HttpClientResponse.HttpClientResponse): Effect.Effect<string, InspectError> {
    return Effect.suspend(() => {
      const parts: Array<string> = []
      let length = 0
      const text = Stream.decodeText(Stream.mapError(stream, (error) => this.notListening(error)))
      const all = Stream.runForEach(text, (part) => {
        parts.push(part)
        length += part.length
        return length <= MOST_OF_AN_ANSWER ? Effect.void : this.notAnInspector(`${path} has no end`)
      })
      return Effect.map(all, () => parts.join(""))
    })
  }

  private refuse(path: string, response: HttpClientResponse.HttpClientResponse): Effect.Effect<never, InspectError> {
    const { status } = response
    const body = Effect.flatMap(
      this.textOf(path, response),
      Schema.decodeUnknownEffect(Schema.fromJsonString(ErrorBody))
    )
    return Effect.flatMap(Effect.option(body), (told) => {
      if (Option.isNone(told)) return this.notAnInspector(`${path} gave status ${status}`)
      const { error } = told.value
      if (status !== 401 && status !== 403) return fail(status === 404 ? "NotFound" : "Refused", error)
      const remedy = "Give the whole address as the program printed it, or the token with --token."
      return fail("Refused", `${error}\n${remedy}`)
    })
  }

  private decode<S extends Schema.ConstraintDecoder<unknown>>(path: string, schema: S, text: string) {
    return Effect.mapError(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text), () =>
      this.notAnInspector(`${path} has another format`)
    )
  }

  private notListening(error: HttpClientError.HttpClientError): InspectError {
    const why = causeOf(error)
    return fail(
      "NothingListens",
      `Nothing answers at ${this.address} (${why}). Is the program running, and does it provide Inspector.layer?`
    )
  }

  private notAnInspector(why: string): InspectError {
    return fail("NotAnInspector", `${this.address} answers, but not like an inspector of this version: ${why}.`)
  }
}

const queryOf = (filter: Filter): string => {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(filter)) {
    if (value !== undefined && String(value) !== "") query.set(key, String(value))
  }
  const text = query.toString()
  return text === "" ? "" : `?${text}`
}

/** `ECONNREFUSED` says more than "fetch failed", the message of the error around it. */
const causeOf = (error: HttpClientError.HttpClientError): string => {
  let cause: unknown = error
  let text = error.message
  for (let depth = 0; depth < 6 && cause instanceof Error; depth++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
    text = cause.message
    cause = cause.cause
  }
  return text
}
