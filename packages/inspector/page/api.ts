/** Talks to the server: the token, single requests, and the stream of updates. */
import type { Frame } from "../src/internal/live/frame.ts"

const KEY = "troupe-token"

/** Moves the token out of the address bar, where others could read it, into the storage of this tab. */
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

export interface Failure {
  /** A lost connection is tried again; a refused one would be refused again. */
  readonly _tag: "lost" | "refused"
  readonly why: string
  /** The HTTP status, if there was an answer. */
  readonly code?: number | undefined
}

/** Reads updates until the signal aborts. It does not use `EventSource`, which could send the token in the URL only. */
export const follow = async (
  onFrame: (frame: Frame) => void,
  onFailure: (failure: Failure) => void,
  signal: AbortSignal
): Promise<void> => {
  for (let wait = 500; ; wait = Math.min(wait * 1.6, 8000)) {
    try {
      const response = await fetch("/api/feed", { headers: headers(), signal })
      if (!response.ok) await failed(response)
      await read(response, (frame) => {
        wait = 500
        onFrame(frame)
      })
      if (!signal.aborted) onFailure({ _tag: "lost", why: "the server has closed the connection" })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        return onFailure({ _tag: "refused", why: error.message, code: error.status })
      }
      const code = error instanceof ApiError ? error.status : undefined
      onFailure({ _tag: "lost", why: error instanceof Error ? error.message : String(error), code })
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
