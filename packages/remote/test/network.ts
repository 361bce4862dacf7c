/**
 * WebSockets whose connections a test cuts at the moment it chooses.
 */
import { Layer } from "effect"
import { Socket } from "effect/socket"

type Frame = { readonly from: "client" | "server"; readonly text: string }

export class Network {
  /** How many connections were made. */
  made = 0
  /** Whether new ones come about. */
  isUp = true
  readonly frames: Array<Frame> = []
  /** Called with each frame, before it goes on. What it answers `false` to is lost, and the connection with it. */
  passes: (frame: Frame) => boolean = () => true
  /** What a client sends that never arrives, while the connection lasts. */
  swallows: (text: string) => boolean = () => false
  private readonly open = new Set<WebSocket>()

  /** Ends all connections, as a network does that goes away: nobody says goodbye. */
  cut(): void {
    for (const socket of this.open) this.end(socket)
  }

  private end(socket: WebSocket): void {
    if (!this.open.delete(socket)) return
    socket.close()
    socket.dispatchEvent(new CloseEvent("close", { code: 1006 }))
  }

  readonly layer = Layer.succeed(Socket.WebSocketConstructor)((url) => {
    this.made++
    const socket = new WebSocket(this.isUp ? url : "ws://127.0.0.1:1")
    this.open.add(socket)
    const send = socket.send.bind(socket)
    socket.send = (text: string) => {
      const frame: Frame = { from: "client", text }
      this.frames.push(frame)
      if (this.swallows(text)) return
      if (this.passes(frame)) send(text)
      else queueMicrotask(() => this.end(socket))
    }
    socket.addEventListener("message", (event) => {
      const frame: Frame = { from: "server", text: String(event.data) }
      this.frames.push(frame)
      if (this.passes(frame)) return
      event.stopImmediatePropagation()
      this.end(socket)
    })
    return socket as unknown as Socket.WebSocketLike
  })
}
