/**
 * The routes of the inspector, and who gets through to them.
 */
import { readFileSync } from "node:fs"
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { type Access, refuseStrangers, refuseWithoutToken } from "./access.ts"
import * as control from "./control.ts"
import type { Feed } from "./feed.ts"
import type { Info } from "./frame.ts"
import { pageFiles } from "./pageFiles.ts"
import { idIn, search, snapshotOptions, whole } from "./query.ts"
import { json, refusal, refuse, Refused, secured } from "./reply.ts"
import * as views from "./views.ts"

export interface ServerOptions {
  readonly access: Access
  readonly info: Info
  readonly feed: Feed
}

type Answer<R = never> = Effect.Effect<HttpServerResponse.HttpServerResponse, Refused, R>

/** Longest recording that can be asked for, in seconds: the answer is made in memory. */
const LONGEST_RECORDING = 60

const page = Object.entries(pageFiles).map(([path, { body, contentType }]) =>
  HttpRouter.route("GET", path as `/${string}`, HttpServerResponse.text(body, { contentType }))
)

const reading = ({ feed, info }: ServerOptions) => [
  HttpRouter.route("GET", "/api/info", json(info)),
  HttpRouter.route("GET", "/api/snapshot", Effect.map(Effect.flatMap(snapshotOptions, ActorSystem.snapshot), snapshot => json(snapshot))),
]
