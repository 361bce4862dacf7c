/**
 * Why a process cannot listen where it is told to, in words that say what to change.
 */
import type { Address } from "./address.ts"

/** Where the address comes from: the flags of the command, and their variables. */
export interface Flags {
  readonly host: string
  readonly port: string
}

export const SOCKET: Flags = { host: "--host, TROUPE_HOST", port: "--port, TROUPE_PORT" }
export const HEALTH: Flags = { host: "--health-host, TROUPE_HEALTH_HOST", port: "--health-port, TROUPE_HEALTH_PORT" }

/** What an error of Node's `listen` means. Says nothing of errors that it does not know. */
export const why = (error: unknown, { host, port }: Address, flags: Flags): string | undefined => {
  switch ((error as { readonly code?: unknown } | undefined)?.code) {
    case "EADDRINUSE":
      return `something else listens there. Choose another port (${flags.port})`
    case "EACCES":
      return `this user may not listen on port ${port}. Choose another port, from 1024 on (${flags.port})`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `this machine does not have the address ${host}. Choose another one (${flags.host})`
  }
}
