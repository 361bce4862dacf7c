/**
 * The database of a chaos run: a scratch one, which can be taken away for a while.
 *
 * Postgres stands behind a proxy of ours, so that stopping it harms nobody else. A file cannot be stopped, but it can be
 * locked for as long.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { freePorts } from "./processes.ts"

export interface Database {
  readonly name: string
  readonly storage: { readonly file: string } | { readonly url: string }
  /** Takes it away, and gives it back. */
  stop(): Promise<void>
  start(): Promise<void>
  drop(): Promise<void>
}

/** Postgres where a URL is given, else a file. */
export const open = (url: string | undefined): Promise<Database> =>
  url === undefined ? Promise.resolve(openFile()) : openPostgres(url)

const openFile = (): Database => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-chaos-"))
  const file = join(folder, "cluster.db")
  let lock: DatabaseSync | undefined
  return {
    name: "a shared SQLite file",
    storage: { file },
    stop: async () => {
      lock = new DatabaseSync(file, { timeout: 5000 })
      lock.exec("BEGIN EXCLUSIVE")
    },
    start: async () => {
      lock?.exec("ROLLBACK")
      lock?.close()
      lock = undefined
    },
    drop: async () => {
      lock?.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const openPostgres = async (url: string): Promise<Database> => {
  const name = `troupe_chaos_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  await admin(url, `CREATE DATABASE ${name}`)
  const target = new URL(url)
  const [port] = await freePorts(1)
  const proxy = new Proxy(port!, Number(target.port || 5432), target.hostname)
  await proxy.start()
  const own = new URL(url)
  own.hostname = "127.0.0.1"
  own.port = String(port)
  own.pathname = `/${name}`
  return {
    name: "Postgres behind a proxy",
    storage: { url: own.href },
    stop: () => proxy.stop(),
    start: () => proxy.start(),
    drop: async () => {
      await proxy.stop()
      await admin(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    }
  }
}

const admin = (url: string, statement: string): Promise<void> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql.unsafe(statement)
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })), Effect.asVoid, Effect.runPromise)

/** Hands connections on, while it is started. */
class Proxy {
  private readonly from: number
  private readonly to: number
  private readonly host: string
  private readonly sockets = new Set<Socket>()
  private server: Server | undefined = undefined

  constructor(from: number, to: number, host: string) {
    this.from = from
    this.to = to
    this.host = host
  }

  start(): Promise<void> {
    this.server = createServer((client) =>
      this.join(client, connect({ port: this.to, host: this.host, noDelay: true }))
    )
    return new Promise((resolve, reject) => {
      this.server!.once("error", reject).listen(this.from, "127.0.0.1", resolve)
    })
  }

  stop(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.server === undefined ? resolve() : this.server.close(() => resolve())
    )
    this.server = undefined
    for (const socket of this.sockets) socket.destroy()
    return closed
  }

  private join(client: Socket, target: Socket): void {
    client.setNoDelay(true)
    for (const [one, other] of [
      [client, target],
      [target, client]
    ] as const) {
      this.sockets.add(one)
      one.pipe(other)
      one.on("error", () => {})
      one.on("close", () => {
        this.sockets.delete(one)
        other.destroy()
      })
    }
  }
}
