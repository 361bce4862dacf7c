/** Asking an inspector over real sockets, with whatever headers, and reading its updates. */
import { type IncomingMessage, request } from "node:http"
import type { Frame } from "../src/internal/live/frame.ts"

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly text: string
  readonly body: any
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
}

const send = (port: number, path: string, { headers, method = "GET" }: Ask): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    // By node:http and not by fetch, which does not let anybody say a `Host` of their own.
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, resolve)
    outgoing.on("error", reject).end()
  })

export const ask = async (port: number, path: string, options: Ask = {}): Promise<Reply> => {
  const response = await send(port, path, options)
  const text = (await response.setEncoding("utf8").toArray()).join("")
  const isJson = response.headers["content-type"]?.startsWith("application/json") === true
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined
  }
}

/** The updates of one page, until it closes. */
export class Updates {
  private readonly response: IncomingMessage
  private readonly frames: AsyncGenerator<Frame>

  private constructor(response: IncomingMessage) {
    this.response = response
    this.frames = framesIn(response)
  }

  static async open(port: number, options: Ask = {}): Promise<Updates> {
    return new Updates(await send(port, "/api/feed", options))
  }

  /** The next one, or `undefined` when there are no more. */
  async next(): Promise<Frame | undefined> {
    const { value } = await this.frames.next()
    return value
  }

  /** Reads until there is one like this, which is given back. */
  async until(condition: (frame: Frame) => boolean): Promise<Frame> {
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) {
      if (condition(frame)) return frame
    }
    throw new Error("the updates have ended")
  }

  close(): void {
    this.response.destroy()
  }
}

async function* framesIn(response: IncomingMessage): AsyncGenerator<Frame> {
  let parts: Array<string> = []
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      // Long updates come in many chunks: what is there already is not searched again. The end of one is never cut in
      // two, since nothing follows it for a while.
      const [first, ...more] = (chunk as string).split("\n\n")
      parts.push(first!)
      for (const next of more) {
        yield JSON.parse(parts.join("").slice("data: ".length))
        parts = [next]
      }
    }
  } catch (error) {
    // Closed from this side, or cut off from the other: there are no more.
    if (!(error instanceof Error && "code" in error)) throw error
  }
}
