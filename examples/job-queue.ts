/**
 * A job queue: all jobs are submitted at once, two run at a time, and a job that fails for a temporary reason runs
 * again. The queue is the line of calls that every actor has; retries are options of the actor. A job that fails for
 * good becomes a dead letter.
 *
 *     npx node --conditions=@troupe/source examples/job-queue.ts
 */
import { Actor } from "@troupe/core"
import { Console, Effect, Schema } from "effect"

class Busy extends Schema.TaggedError<Busy>()("Busy", { mailbox: Schema.String }) {
  override get message() {
    return `${this.mailbox} is busy`
  }
}

class NoSuchMailbox extends Schema.TaggedError<NoSuchMailbox>()("NoSuchMailbox", { mailbox: Schema.String }) {
  override get message() {
    return `there is no mailbox ${this.mailbox}`
  }
}

/** How often each mailbox is busy before it takes a letter. */
const mailboxes = new Map([
  ["ada", 0],
  ["bob", 2],
  ["dan", Infinity]
])

class PostOffice extends Actor.Service<PostOffice>()("app/PostOffice", {
  maxConcurrency: 2,
  // Three retries make at most four attempts. A retried call keeps its place in line.
  maxTaskRetries: 3,
  // Only a temporary failure is worth another attempt.
  retry: (error: Busy | NoSuchMailbox) => error._tag === "Busy",
  make: Effect.sync(() => {
    const attempts = new Map<string, number>()
    return {
      deliver: Effect.fnUntraced(function* (mailbox: string) {
        const attempt = (attempts.get(mailbox) ?? 0) + 1
        attempts.set(mailbox, attempt)
        yield* Effect.sleep("10 millis") // pretend to walk there
        const busy = mailboxes.get(mailbox)
        if (busy === undefined) return yield* new NoSuchMailbox({ mailbox })
        if (attempt <= busy) return yield* new Busy({ mailbox })
      }),
      attempts: (mailbox: string) => Effect.succeed(attempts.get(mailbox) ?? 0)
    }
  })
}) {}

const program = Effect.gen(function* () {
  const office = yield* PostOffice

  // Submitting does not wait for the job: the ref is a receipt.
  const letters = yield* Effect.forEach(["ada", "bob", "cleo", "dan"], (mailbox) =>
    Effect.map(office.deliver.remote(mailbox), (receipt) => ({ mailbox, receipt }))
  )

  for (const { mailbox, receipt } of letters) {
    const fate = yield* Effect.match(receipt, {
      onSuccess: () => "delivered",
      onFailure: (error) => `dead letter, ${error.message}`
    })
    yield* Console.log(`${mailbox}: ${fate} (attempts: ${yield* office.attempts(mailbox)})`)
  }
})

await Effect.runPromise(Effect.provide(program, PostOffice.layer))
