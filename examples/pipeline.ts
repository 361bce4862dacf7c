/**
 * A pipeline of three actors: download a page, parse it, index its words. Refs are the pipes. A ref is passed to the
 * next call before its value is ready, so the program does not wait between the stages, and each stage has its own
 * limit.
 *
 *     npx node --conditions=@troupe/source examples/pipeline.ts
 */
import { Actor } from "@troupe/core"
import { Console, Effect, Layer, Schema } from "effect"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { url: Schema.String }) {}

const web = new Map([
  ["/cats", "<h1>Cats</h1> <p>Cats like fish.</p>"],
  ["/dogs", "<h1>Dogs</h1> <p>Dogs like cats.</p>"],
  ["/fish", "<h1>Fish</h1> <p>Fish like nobody.</p>"]
])

class Downloader extends Actor.Service<Downloader>()("app/Downloader", {
  maxConcurrency: 10, // downloads only wait
  make: Effect.succeed({
    download: Effect.fnUntraced(function* (url: string) {
      yield* Effect.sleep("20 millis")
      return web.get(url) ?? (yield* new NotFound({ url }))
    })
  })
}) {}

class Parser extends Actor.Service<Parser>()("app/Parser", {
  maxConcurrency: 2,
  make: Effect.succeed({
    words: (html: string) =>
      Effect.sync(() => {
        const text = html.replaceAll(/<[^>]*>/g, " ").toLowerCase()
        return new Set(text.match(/[a-z]+/g))
      })
  })
}) {}

class Index extends Actor.Service<Index>()("app/Index", {
  maxConcurrency: 1, // one writer
  make: Effect.sync(() => {
    const pages = new Map<string, Array<string>>()
    return {
      add: (url: string, words: ReadonlySet<string>) =>
        Effect.sync(() => {
          for (const word of words) pages.set(word, [...(pages.get(word) ?? []), url])
          return words.size
        }),
      find: (word: string) => Effect.sync(() => (pages.get(word) ?? []).toSorted())
    }
  })
}) {}

const program = Effect.gen(function* () {
  const downloader = yield* Downloader
  const parser = yield* Parser
  const index = yield* Index

  // All three calls are submitted at once. `added` is an ObjectRef<number, ActorError | NotFound>: an error in one
  // stage skips the later stages and arrives at the end unchanged, and the type says so.
  const submit = Effect.fnUntraced(function* (url: string) {
    const html = yield* downloader.download.remote(url)
    const words = yield* parser.words.remote(html)
    const added = yield* index.add.remote(url, words)
    return added
  })

  const pages = yield* Effect.forEach(["/cats", "/dogs", "/gone", "/fish"], (url) =>
    Effect.map(submit(url), (added) => ({ url, added }))
  )
  for (const { added, url } of pages) {
    const outcome = yield* added.pipe(
      Effect.map((count) => `${count} words`),
      Effect.catchTag("NotFound", () => Effect.succeed("not found"))
    )
    yield* Console.log(`${url}: ${outcome}`)
  }
  for (const word of ["cats", "like", "nobody"]) yield* Console.log(`"${word}" is on`, yield* index.find(word))
})

await Effect.runPromise(Effect.provide(program, Layer.mergeAll(Downloader.layer, Parser.layer, Index.layer)))
