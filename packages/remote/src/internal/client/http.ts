/**
 * The way to a server over HTTP: each call is a request of its own, and so is each stream, whose items come as the answer.
 *
 * There is no connection that keeps calls in order, or that could be lost between them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { RpcMessage } from "../engine.ts"
import { tooLarge } from "../wire/failure.ts"
import { CONTRACT, type ContractShape, HELLO, type Hello, type Restarted } from "../wire/hello.ts"
import type { Wire } from "../wire/wire.ts"
import { Agreement } from "./agreement.ts"
import { exchange, Trouble } from "./exchange.ts"
import type { Link, Outgoing } from "./link.ts"
import { subjectOf } from "./place.ts"
import type { Settings } from "./settings.ts"

/** What the server has said of its contracts holds for so long. */
const AGREED = "1 minute"
/** How long to wait before a server that cannot be reached is tried again. */
const PAUSE = "200 millis"
const OVER = "this client has ended"

/** A call that is under way. */
class UnderWay {
  fiber: Fiber.Fiber<void, Trouble> | undefined
  isSent = false
  /** Open when the next items may come. */
  readonly more = Latch.makeUnsafe()
}

export const connect = (settings: Settings): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    settings.status.connecting()
    const agree = yield* agreed(settings)
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const calls = new Map<Outgoing, UnderWay>()
    let isOver = false
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isOver = true
        settings.status.closed(OVER)
        for (const [call, { fiber }] of [...calls]) {
          call.lost(OVER, true)
          fiber?.interruptUnsafe()
        }
      })
    )
    return {
      send: (call) => {
        if (isOver) return call.lost(OVER, false)
        const underWay = new UnderWay()
        underWay.fiber = fork(patiently(settings, served(settings, agree, call, underWay)))
        calls.set(call, underWay)
        underWay.fiber.addObserver((exit) => {
          calls.delete(call)
          if (exit._tag === "Failure") failed(call, exit.cause, underWay.isSent)
        })
      },
      interrupt: (call) => calls.get(call)?.fiber?.interruptUnsafe(),
      more: (call) => calls.get(call)?.more.openUnsafe(),
      describe: () => ({ kind: "remote", url: settings.url })
    }
  })

/** Makes a call, and tells it of its answer. */
const served = (
  settings: Settings,
  agree: (wire: Wire) => Effect.Effect<Agreement, Trouble>,
  call: Outgoing,
  underWay: UnderWay
): Effect.Effect<void, Trouble> => {
  const { more } = underWay
  const tell = (message: RpcMessage.FromServerEncoded) => {
    if (message._tag === "Exit") return Effect.sync(() => call.ended(message.exit, (message as Restarted).restarted))
    if (message._tag !== "Chunk") return Effect.void
    return Effect.suspend(() => {
      more.closeUnsafe()
      call.items(message.values)
      return more.await
    })
  }
  return Effect.gen(function* () {
    const { wire } = call.place
    const agreement = yield* agree(wire)
    const subject = subjectOf(call.place)
    const refusal = agreement.refusal(wire, subject)
    if (refusal !== undefined) return call.refused(refusal)
    underWay.isSent = true
    const { messageBytes } = agreement
    yield* exchange(settings, call.request, tell, messageBytes, (bytes) =>
      call.refused(tooLarge(subject, bytes, messageBytes))
    )
  })
}

/** No answer came, or not all of it. */
const failed = (call: Outgoing, cause: Cause.Cause<Trouble>, isSent: boolean): void => {
  const error = Cause.squash(cause)
  if (error instanceof Trouble) return call.lost(error.why, error.begun, error.cause)
  if (!Cause.hasInterruptsOnly(cause)) return call.lost("the request failed", isSent, error)
  if (isSent) call.ended({ _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: null }] })
  else call.withdrawn()
}

/** What was not sent is sent again, as long as calls wait for a server. */
const patiently = (settings: Settings, sent: Effect.Effect<void, Trouble>): Effect.Effect<void, Trouble> =>
  Effect.retry(sent, {
    while: (trouble) => !trouble.begun && !trouble.isFinal,
    schedule: Schedule.max([Schedule.spaced(PAUSE), Schedule.during(settings.unavailableAfter)])
  })

/** What the server has said of its contracts, asked for when it is needed. */
const agreed = (settings: Settings) =>
  Effect.gen(function* () {
    const greeted = yield* Effect.cachedWithTTL(
      Effect.map(asked(settings, HELLO, {}), (hello) => {
        const agreement = new Agreement(settings.url)
        agreement.greeted(hello as Hello)
        return agreement
      }),
      (exit) => (Exit.isSuccess(exit) ? AGREED : 0)
    )
    return (wire: Wire) =>
      Effect.tap(greeted, (agreement) =>
        agreement.stateOf(wire) === "known"
          ? Effect.void
          : Effect.map(asked(settings, CONTRACT, { actor: wire.actor }), (contract) =>
              agreement.learned(wire.actor, contract as ContractShape)
            )
      )
  })

const asked = (settings: Settings, tag: string, payload: unknown): Effect.Effect<unknown, Trouble> => {
  let answer: unknown
  const tell = (message: RpcMessage.FromServerEncoded) =>
    Effect.sync(() => {
      if (message._tag === "Exit" && message.exit._tag === "Success") answer = message.exit.value
    })
  const request = { tag, payload: JSON.stringify(payload), headers: [] }
  return Effect.map(exchange(settings, request, tell), () => answer).pipe(
    Effect.timeoutOrElse({
      duration: settings.unavailableAfter,
      orElse: () => Effect.fail(new Trouble("the server did not say which contracts it has", false))
    }),
    Effect.mapError(({ cause, isFinal, why }) => new Trouble(why, false, cause, isFinal))
  )
}
