/**
 * The way to a server over HTTP: each call is a request of its own, and so is each stream, whose items come as the answer.
 *
 * There is no connection that keeps calls in order, or that could be lost between them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { RpcMessage } from "../engine.ts"
import { tooLarge } from "../wire/failure.ts"
import { CONTRACT, type ContractShape, HELLO, type Hello, type Restarted } from "../wire/hello.ts"
import type { Wire } from "../wire/wire.ts"
import { Agreement } from "./agreement.ts"
import { exchange, type Trouble, trouble } from "./exchange.ts"
import type { Link, Outgoing } from "./link.ts"
import { subjectOf } from "./place.ts"
import { isCall } from "./session.ts"
import type { Settings } from "./settings.ts"
import { crowded, type Waiting, waitingOf } from "./waiting.ts"

/** What the server has said of its contracts holds for so long. */
const AGREED = "1 minute"
/** How long to wait before a server that cannot be reached is tried again. */
const PAUSE = "200 millis"
const OVER = "this client has ended"

/** How many requests are under way at most, however many the server takes. */
const MOST = 250

/** A call that is under way. */
interface UnderWay {
  fiber?: Fiber.Fiber<void, Trouble>
  isSent?: true
  /** Called when the next items may come. */
  more?: () => void
}

export const connect = (settings: Settings): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    settings.status.connecting()
    const agree = yield* agreed(settings)
    const waiting = yield* waitingOf(settings)
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const calls = new Map<Outgoing, UnderWay>()
    /** Before the server has said how many it takes. */
    let most = 1
    let isOver = false
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isOver = true
        settings.status.closed(OVER)
        waiting.close(OVER)
        for (const [call, { fiber }] of [...calls]) {
          call.lost(OVER, true)
          fiber?.interruptUnsafe()
        }
      })
    )
    /** Streams, which may last, leave a quarter of it to calls. */
    const hasRoom = (call: Outgoing): boolean =>
      calls.size < most && (isCall(call) || [...calls.keys()].filter((one) => !isCall(one)).length < most * 0.75)
    const begin = (call: Outgoing): void => {
      const underWay: UnderWay = {}
      calls.set(call, underWay)
      underWay.fiber = fork(patiently(waiting, served(settings, agreeing, call, underWay, waiting)))
      underWay.fiber.addObserver((exit) => {
        calls.delete(call)
        if (exit._tag === "Failure") failed(call, exit.cause, underWay.isSent)
        admit()
      })
    }
    /** Begins what has waited, in order, as far as there is room. */
    const admit = (): void => {
      for (const call of waiting.all()) {
        if (calls.size >= most) return
        if (hasRoom(call) && waiting.delete(call)) begin(call)
      }
    }
    const agreeing = (wire: Wire) =>
      Effect.map(agree(wire), (agreement) => {
        waiting.why = () => crowded(calls.size, "connectionsPerPeer")
        // Other clients may have the same address.
        most = Math.min(MOST, agreement.most("connectionsPerPeer") * 0.8)
        queueMicrotask(admit)
        return agreement
      })
    return {
      send: (call) => {
        if (isOver) call.lost(OVER, false)
        else if (hasRoom(call)) begin(call)
        else waiting.add(call)
      },
      interrupt: (call) => {
        if (waiting.delete(call)) call.withdrawn()
        else calls.get(call)?.fiber?.interruptUnsafe()
      },
      more: (call) => calls.get(call)?.more?.(),
      describe: () => ({ kind: "remote", url: settings.url })
    }
  })

/** Makes a call, and tells it of its answer. */
const served = (
  settings: Settings,
  agree: (wire: Wire) => Effect.Effect<Agreement, Trouble>,
  call: Outgoing,
  underWay: UnderWay,
  waiting: Waiting
): Effect.Effect<void, Trouble> => {
  const tell = (message: RpcMessage.FromServerEncoded) => {
    waiting.goesOn()
    if (message._tag === "Exit") call.ended(message.exit, (message as Restarted).restarted)
    if (message._tag !== "Chunk") return
    return new Promise<void>((resolve) => {
      underWay.more = resolve
      call.items(message.values)
    })
  }
  return Effect.gen(function* () {
    const { wire } = call.place
    const agreement = yield* agree(wire)
    const subject = subjectOf(call.place)
    const refusal = agreement.refusal(wire, subject)
    if (refusal) return call.refused(refusal)
    underWay.isSent = true
    const most = agreement.most("messageBytes")
    yield* exchange(settings, call.request, tell, most, (bytes) => call.refused(tooLarge(subject, bytes, most)))
  })
}

/** No answer came, or not all of it. */
const failed = (call: Outgoing, cause: Cause.Cause<Trouble>, isSent = false): void => {
  // What is no Trouble is a bug.
  const { begun = isSent, cause: why, why: words = "the request failed" } = Cause.squash(cause) as Partial<Trouble>
  if (!Cause.hasInterruptsOnly(cause)) call.lost(words, begun, why)
  else if (isSent) call.ended({ _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: null }] })
  else call.withdrawn()
}

/** What was not sent is sent again, as long as calls wait for a server, and as long as that answers others. */
const patiently = (waiting: Waiting, sent: Effect.Effect<void, Trouble>): Effect.Effect<void, Trouble> => {
  const until = waiting.until()
  const again: typeof sent = Effect.catchIf(
    sent,
    ({ begun, isFinal, why }) => {
      waiting.why = () => why
      return !begun && !isFinal && waiting.left(until) > 0
    },
    () => Effect.delay(again, PAUSE)
  )
  return again
}

/** What the server has said of its contracts, asked for when it is needed. */
const agreed = (settings: Settings) =>
  Effect.map(
    Effect.cachedWithTTL(
      Effect.map(asked(settings, HELLO, {}), (hello) => {
        const agreement = new Agreement(settings.url)
        agreement.greeted(hello as Hello)
        return agreement
      }),
      ({ _tag }) => (_tag === "Success" ? AGREED : 0)
    ),
    (greeted) => (wire: Wire) =>
      Effect.tap(greeted, (agreement) =>
        agreement.stateOf(wire) === "known"
          ? Effect.void
          : Effect.map(asked(settings, CONTRACT, { actor: wire.actor }), (contract) =>
              agreement.learned(wire.actor, contract as ContractShape)
            )
      )
  )

const asked = (settings: Settings, tag: string, payload: unknown): Effect.Effect<unknown, Trouble> => {
  let answer: unknown
  const tell = (message: RpcMessage.FromServerEncoded) => {
    if (message._tag === "Exit" && message.exit._tag === "Success") answer = message.exit.value
  }
  const request = { tag, payload: JSON.stringify(payload), headers: [] }
  return Effect.map(exchange(settings, request, tell), () => answer).pipe(
    Effect.timeoutOrElse({
      duration: settings.unavailableAfter,
      orElse: () => Effect.fail(trouble("the server did not say which contracts it has", false))
    }),
    Effect.mapError((trouble) => ({ ...trouble, begun: false }))
  )
}
