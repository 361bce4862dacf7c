/** Talking to the server: the token, single questions, and the stream of updates. */
import type { Frame } from "../src/internal/live/frame.ts"

const KEY = "troupe-token"

/** Takes the token out of the address, where it would be on show, and keeps it for as long as the tab is open. */
const readToken = (): string | undefined => {
  const given = /[#&]token=([^&]+)/.exec(location.hash)?.[1]
  if (given === undefined) return sessionStorage.getItem(KEY) ?? undefined
  const token = decodeURIComponent(given)
  sessionStorage.setItem(KEY, token)
  history.replaceState(null, "", location.pathname)
  return token
}

let token = readToken()

export const setToken = (value: string): void => {
  token = value
  sessionStorage.setItem(KEY, value)
}

export const hasToken = (): boolean => token !== undefined

const headers = (): Record<string, string> => (token === undefined ? {} : { authorization: `Bearer ${token}` })

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const failed = async (response: Response): Promise<never> => {
  const body = await response.json().catch(() => ({}))
  throw new ApiError(response.status, body.error ?? `the server answered ${response.status}`)
}

export const get = async <A>(path: string): Promise<A> => {
  const response = await fetch(`/api/${path}`, { headers: headers() })
  return response.ok ? response.json() : failed(response)
}

export const post = async (path: string): Promise<string> => {
  const response = await fetch(`/api/${path}`, { method: "POST", headers: headers() })
  return response.ok ? (await response.json()).result : failed(response)
}

export const download = async (path: string, name: string): Promise<void> => {
  const response = await fetch(`/api/${path}`, { headers: headers() })
  if (!response.ok) return failed(response)
  const link = document.createElement("a")
  link.href = URL.createObjectURL(await response.blob())
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

export type Status = "live" | "lost" | "refused"

/** Reads updates until told otherwise. Not by `EventSource`, which cannot send the token other than in the address. */
export const follow = async (
  onFrame: (frame: Frame) => void,
  onStatus: (status: Status, why: string, code?: number) => void,
  signal: AbortSignal
): Promise<void> => {
  for (let wait = 500; ; wait = Math.min(wait * 1.6, 8000)) {
    try {
      const response = await fetch("/api/feed", { headers: headers(), signal })
      if (!response.ok) await failed(response)
      await read(response, (frame) => {
        wait = 500
        onStatus("live", "")
        onFrame(frame)
      })
      if (!signal.aborted) onStatus("lost", "the server has ended the connection")
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        return onStatus("refused", error.message, error.status)
      }
      const code = error instanceof ApiError ? error.status : undefined
      onStatus("lost", error instanceof Error ? error.message : String(error), code)
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

const read = async (response: Response, onFrame: (frame: Frame) => void): Promise<void> => {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    buffer += value
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const event = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      if (event.startsWith("data: ")) onFrame(JSON.parse(event.slice(6)))
    }
  }
}
