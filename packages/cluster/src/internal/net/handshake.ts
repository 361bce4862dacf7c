/**
 * How two processes of a cluster authenticate each other before the first byte of a message is read.
 *
 * ```text
 * server → client   TROUPE 1, nonceS
 * client → server   purpose, nonceC, HMAC(secret, "client" purpose nonceS nonceC)
 * server → client   HMAC(secret, "server" purpose nonceC nonceS)
 * ```
 *
 * All parts have a fixed length. The secret never crosses the wire, and neither proof can be used again or turned round,
 * since each side contributes a fresh nonce and the two proofs have different labels. It proves who connects; it does
 * not encrypt what follows, and does not keep a man in the middle from listening or changing it. TLS does.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Duplex } from "node:stream"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Two processes of a cluster do not get to talk to each other. */
export class HandshakeError extends Schema.TaggedError<HandshakeError>()("HandshakeError", {
  why: Schema.String,
  /** Whether the other side is a node that does not take our proof, or has none that we take. */
  stranger: Schema.Boolean
}) {
  override get message(): string {
    return `The cluster handshake failed: ${this.why}`
  }
}

/** What a connection is for: messages, or only to see whether a node answers. */
export type Purpose = "messages" | "probe"

const MAGIC = Buffer.from("TROUPE\u0000\u0001")
const NONCE = 32
const PROOF = 32
const PURPOSES: ReadonlyArray<Purpose> = ["messages", "probe"]

const HELLO = MAGIC.length + NONCE
const ANSWER = 1 + NONCE + PROOF

/** Longer than a loaded machine takes, and short enough not to be a way to hold connections open. */
const TIMEOUT = "5 seconds"

/** The side that listens. Succeeds with what the connection is for, or fails, and then nothing may be read from it. */
export const accept = (connection: Duplex, secret: string): Effect.Effect<Purpose, HandshakeError> =>
  withinTime(
    Effect.gen(function* () {
      const nonceS = randomBytes(NONCE)
      connection.write(Buffer.concat([MAGIC, nonceS]))
      const answer = yield* readExactly(connection, ANSWER)
      const purpose = PURPOSES[answer[0]!]
      const nonceC = answer.subarray(1, 1 + NONCE)
      const expected = proof(secret, "client", answer[0]!, nonceS, nonceC)
      if (purpose === undefined || !timingSafeEqual(expected, answer.subarray(1 + NONCE))) {
        return yield* estranged("the other side does not have the secret of this cluster")
      }
      connection.write(proof(secret, "server", answer[0]!, nonceC, nonceS))
      return purpose
    })
  )

/** The side that connects. */
export const connect = (connection: Duplex, secret: string, purpose: Purpose): Effect.Effect<void, HandshakeError> =>
  withinTime(
    Effect.gen(function* () {
      const hello = yield* readExactly(connection, HELLO)
      if (!hello.subarray(0, MAGIC.length).equals(MAGIC)) {
        return yield* fail("what listens there is not a node, or one of another version")
      }
      const nonceS = hello.subarray(MAGIC.length)
      const nonceC = randomBytes(NONCE)
      const what = PURPOSES.indexOf(purpose)
      connection.write(Buffer.concat([Buffer.from([what]), nonceC, proof(secret, "client", what, nonceS, nonceC)]))
      // A node that does not take a proof says nothing to it.
      const answer = yield* Effect.catch(readExactly(connection, PROOF), () => estranged(REFUSED))
      if (!timingSafeEqual(proof(secret, "server", what, nonceC, nonceS), answer)) {
        return yield* estranged(REFUSED)
      }
    })
  )

const REFUSED = "the node has another secret. Give all nodes and clients the same one (secret or TROUPE_SECRET)"

const proof = (
  secret: string,
  role: "client" | "server",
  purpose: number,
  ...nonces: ReadonlyArray<Buffer>
): Buffer => {
  const hmac = createHmac("sha256", secret)
    .update(role)
    .update(Buffer.from([purpose]))
  for (const nonce of nonces) hmac.update(nonce)
  return hmac.digest()
}

const fail = (why: string) => Effect.fail(new HandshakeError({ why, stranger: false }))
const estranged = (why: string) => Effect.fail(new HandshakeError({ why, stranger: true }))

const withinTime = <A>(handshake: Effect.Effect<A, HandshakeError>): Effect.Effect<A, HandshakeError> =>
  Effect.timeoutOrElse(handshake, { duration: TIMEOUT, orElse: () => fail("the other side did not answer in time") })

/** Reads so many bytes and leaves the rest in the stream, for the next reader. */
const readExactly = (connection: Duplex, size: number): Effect.Effect<Buffer, HandshakeError> =>
  Effect.callback((resume) => {
    const leave = () => {
      connection.off("readable", read)
      connection.off("end", closed)
      connection.off("close", closed)
      connection.off("error", closed)
    }
    const read = () => {
      const bytes: Buffer | null = connection.read(size)
      if (bytes === null) return
      leave()
      // At the end of a stream `read` gives what there is.
      resume(bytes.length === size ? Effect.succeed(bytes) : closedEarly)
    }
    const closed = (error?: Error) => {
      leave()
      resume(error instanceof Error ? fail(`the connection broke: ${error.message}`) : closedEarly)
    }
    connection.on("readable", read)
    connection.on("end", closed)
    connection.on("close", closed)
    connection.on("error", closed)
    if (connection.destroyed || connection.readableEnded) return closed()
    read()
    return Effect.sync(leave)
  })

const closedEarly = Effect.suspend(() => fail("the other side closed the connection. Does it have the same secret?"))
