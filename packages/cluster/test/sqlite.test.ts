import { execFileSync, fork as forkProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it, vi } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Latch, Layer, Option, Scope } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as sqlite from "../src/internal/sql/sqlite.ts"

// Databases take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-sqlite-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const file = Effect.map(folder, (folder) => join(folder, "test.db"))

/** A client of its own, as another process would have. */
const connect = (file: string) =>
  Effect.map(Layer.build(Layer.fresh(sqlite.layer(file))), Context.get(SqlClient.SqlClient))

const withCounter = Effect.gen(function* () {
  const path = yield* file
  const sql = yield* connect(path)
  yield* sql`CREATE TABLE counter (id TEXT PRIMARY KEY, n INTEGER NOT NULL)`
  yield* sql`INSERT INTO counter ${sql.insert({ id: "a", n: 0 })}`
  return { path, sql }
})

const count = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<{ n: number }>`SELECT n FROM counter WHERE id = ${"a"}`, (rows) => rows[0]!.n)

describe("SQLite", () => {
  it("that Node does not have is missed where a file is opened, and the error names the Node to use", () => {
    const script = `
      import { ClusterHome, Sqlite } from "@troupe/cluster"
      import { Effect, Layer } from "effect"
      const storage = { file: "never.db" }
      for (const layer of [ClusterHome.layerLocal(storage), ClusterHome.layerNode({ storage }), Sqlite.layer("never.db")])
        console.log((await Effect.runPromise(Effect.scoped(Effect.flip(Layer.build(layer))))).message)`
    const flags = ["--no-experimental-sqlite", "--conditions=@troupe/source", "--input-type=module", "-e", script]
    const output = execFileSync(process.execPath, flags, { cwd: import.meta.dirname, encoding: "utf8" })
    assert.strictEqual(output.match(/needs the SQLite of Node 22\.19 or later, and this is Node /g)?.length, 3, output)
  })

  it.effect("values of all kinds come back as they were written", () =>
    Effect.gen(function* () {
      const sql = yield* connect(":memory:")
      yield* sql`CREATE TABLE t (s TEXT, i INTEGER, r REAL, b BLOB, yes INTEGER, void TEXT, at TEXT)`
      const at = new Date(0)
      yield* sql`INSERT INTO t VALUES (${"ä"}, ${7}, ${1.5}, ${new Uint8Array([1, 2])}, ${true}, ${null}, ${at})`
      const [row] = yield* sql<any>`SELECT * FROM t`
      assert.deepStrictEqual(
        { ...row, b: [...row.b] },
        { s: "ä", i: 7, r: 1.5, b: [1, 2], yes: 1, void: null, at: at.toISOString() }
      )
      const big = 2n ** 60n
      yield* sql`UPDATE t SET i = ${big}`
      const safe = sql<any>`SELECT i FROM t`.pipe(Effect.provideService(SqlClient.SafeIntegers, true))
      assert.strictEqual((yield* safe)[0].i, big)
      assert.deepStrictEqual(yield* sql`SELECT s, yes FROM t`.values, [["ä", 1]])
    })
  )

  it.effect("the same statement serves rows, arrays and bigints in turn", () =>
    Effect.gen(function* () {
      const sql = yield* connect(":memory:")
      const one = sql<{ one: number }>`SELECT 1 AS one`
      assert.deepStrictEqual([(yield* one)[0]!.one, yield* one.values, (yield* one)[0]!.one], [1, [[1]], 1])
    })
  )

  it.effect("a wrong statement fails with what SQLite says, and the client goes on", () =>
    Effect.gen(function* () {
      const sql = yield* connect(":memory:")
      const error = yield* Effect.flip(sql`SELECT * FROM nowhere`)
      assert.match(String(error.reason.message), /no such table: nowhere/)
      assert.strictEqual((yield* sql<any>`SELECT 1 AS one`)[0].one, 1)
    })
  )

  it.effect("breaking a rule of the table is told apart by its reason", () =>
    Effect.gen(function* () {
      const { sql } = yield* withCounter
      const twice = yield* Effect.flip(sql`INSERT INTO counter ${sql.insert({ id: "b", n: 0 })}, ('b', 1)`)
      assert.include(["UniqueViolation", "ConstraintError"], twice.reason._tag)
    })
  )

  it.effect("a file that cannot be opened fails the layer, and the message names it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(connect("/nowhere/at/all.db")))
      assert.instanceOf(error, SqlError.SqlError)
      assert.match(String(error.reason.message), /\/nowhere\/at\/all\.db/)
    })
  )

  it.effect("a transaction that fails or is interrupted leaves nothing behind", () =>
    Effect.gen(function* () {
      const { sql } = yield* withCounter
      const inside = Latch.makeUnsafe()
      const change = sql`UPDATE counter SET n = n + 1`
      yield* Effect.flip(sql.withTransaction(Effect.andThen(change, Effect.fail("no"))))
      const fiber = yield* Effect.forkChild(
        sql.withTransaction(Effect.andThen(change, Effect.andThen(inside.open, Effect.never)))
      )
      yield* inside.await
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* count(sql), 0)
      yield* sql.withTransaction(change)
      assert.strictEqual(yield* count(sql), 1)
    })
  )

  it.effect("nobody else's statement joins a transaction: they wait until it is over", () =>
    Effect.gen(function* () {
      const { sql } = yield* withCounter
      const inside = Latch.makeUnsafe()
      const go = Latch.makeUnsafe()
      const change = sql`UPDATE counter SET n = n + 1`
      const transaction = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* change
            yield* inside.open
            yield* go.await
            return yield* Effect.fail("rolled back")
          })
        )
      )
      yield* inside.await
      const other = yield* Effect.forkChild(change, { startImmediately: true })
      assert.isUndefined(other.pollUnsafe())
      yield* go.open
      yield* Fiber.await(transaction)
      yield* Fiber.join(other)
      assert.strictEqual(yield* count(sql), 1)
    })
  )

  it.effect("an inner transaction that fails undoes its own part", () =>
    Effect.gen(function* () {
      const { sql } = yield* withCounter
      const change = sql`UPDATE counter SET n = n + 1`
      yield* sql.withTransaction(
        Effect.andThen(change, Effect.ignore(sql.withTransaction(Effect.andThen(change, Effect.fail("no")))))
      )
      assert.strictEqual(yield* count(sql), 1)
    })
  )

  it.effect("a statement waits while another connection writes, and the event loop turns meanwhile", () =>
    Effect.gen(function* () {
      const { path, sql } = yield* withCounter
      const other = new DatabaseSync(path)
      other.exec("BEGIN IMMEDIATE")
      other.exec("UPDATE counter SET n = 10")
      const fiber = yield* Effect.forkChild(sql`UPDATE counter SET n = n + 1`, { startImmediately: true })
      yield* turns(3)
      assert.isUndefined(fiber.pollUnsafe())
      // Readers do not wait.
      const reader = yield* connect(path)
      assert.strictEqual(yield* count(reader), 0)
      other.exec("COMMIT")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* count(sql), 11)
      other.close()
    })
  )

  it.effect("a file that another process has for itself for a moment is opened when it is free", () =>
    Effect.gen(function* () {
      const path = yield* file
      const other = new DatabaseSync(path)
      other.exec("BEGIN EXCLUSIVE")
      const opening = yield* Effect.forkChild(connect(path), { startImmediately: true })
      yield* turns(5)
      assert.isUndefined(opening.pollUnsafe())
      other.exec("COMMIT")
      other.close()
      yield* (yield* Fiber.join(opening))`SELECT 1`
    })
  )

  it.effect("whoever is interrupted while waiting for another connection has changed nothing", () =>
    Effect.gen(function* () {
      const { path, sql } = yield* withCounter
      const other = new DatabaseSync(path)
      other.exec("BEGIN IMMEDIATE")
      const fiber = yield* Effect.forkChild(sql.withTransaction(sql`UPDATE counter SET n = n + 1`), {
        startImmediately: true
      })
      const statement = yield* Effect.forkChild(sql`UPDATE counter SET n = n + 1`, {
        startImmediately: true
      })
      yield* turns(2)
      const interruption = yield* Effect.forkChild(Fiber.interruptAll([fiber, statement]), { startImmediately: true })
      yield* turns(2)
      other.exec("COMMIT")
      other.close()
      yield* Fiber.join(interruption)
      assert.strictEqual(yield* count(sql), 0)
    })
  )

  it.effect("the file is closed with the scope", () =>
    Effect.gen(function* () {
      const path = yield* file
      const scope = yield* Scope.make()
      const sql = yield* Scope.provide(connect(path), scope)
      yield* sql`CREATE TABLE t (n INTEGER)`
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Effect.exit(sql`SELECT 1`)
      assert.isTrue(Exit.isFailure(exit))
      const error = Option.getOrThrow(Exit.findErrorOption(exit))
      assert.match(String(error.reason.message), /not open|finalized/)
    })
  )

  it.live(
    "several processes that count in one file lose nothing",
    () =>
      Effect.gen(function* () {
        const { path, sql } = yield* withCounter
        const [processes, times] = [3, 50]
        yield* Effect.forEach(
          Array.from({ length: processes }),
          () => run("./fixtures/sqliteCounting.ts", path, String(times)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(yield* count(sql), processes * times)
      }),
    60_000
  )
})

/** Lets the event loop turn. */
const turns = (n: number) =>
  Effect.repeat(
    Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 1))),
    { times: n }
  )

const run = (script: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<void, Error>((resume) => {
    const child = forkProcess(new URL(script, import.meta.url), args, { execArgv: ["--conditions=@troupe/source"] })
    child.on("exit", (code) =>
      resume(code === 0 ? Effect.void : Effect.fail(new Error(`${script} exited with ${code}`)))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })
