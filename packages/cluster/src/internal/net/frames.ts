/**
 * What a process has to say to another one in a turn of the event loop leaves with one system call.
 *
 * The engine writes each call and each answer by itself. With a hundred of them in flight, every second system call of a
 * process is such a write, of some fifty bytes.
 */
import type { Duplex } from "node:stream"
import * as Effect from "effect/Effect"
import * as Socket from "effect/socket/Socket"

/** The socket of a connection, which writes what comes in one turn together. Nothing waits longer than that turn. */
export const together = (socket: Socket.Socket, connection: () => Duplex | undefined): Socket.Socket =>
  Socket.make({
    reader: socket.reader,
    writer: Effect.map(socket.writer, ({ write, writeAll }) => ({
      write: (chunk) =>
        Effect.suspend(() => {
          hold(connection())
          return write(chunk)
        }),
      writeAll
    }))
  })

/** Holds what is written until the turn is over. */
const hold = (connection: Duplex | undefined): void => {
  if (connection === undefined || connection.writableCorked > 0) return
  connection.cork()
  process.nextTick(uncork, connection)
}

const uncork = (connection: Duplex): void => connection.uncork()
