/**
 * Addresses of nodes, and who can reach them.
 */
import { isIP } from "node:net"

export interface Address {
  readonly host: string
  readonly port: number
}

/** How nodes are named in messages. */
export const nameOf = ({ host, port }: Address): string => `${host}:${port}`

/** Whether only this machine can reach a socket that listens at this host. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/** Whether a socket that listens at this host has all addresses of the machine: no other machine can connect to "all". */
export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::" || host === ""
