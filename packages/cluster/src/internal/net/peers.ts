/**
 * What this process knows of its connections to nodes.
 */
import { type Address, nameOf } from "./address.ts"

/** What is known of the connections to one address. */
export interface Peer {
  open: boolean
  /** How often a connection was opened. */
  opened: number
  /** Why there is no connection, if one is wanted. */
  trouble: string | undefined
}

/** The connections of this process to nodes, by address. */
export class Peers {
  private readonly peers = new Map<string, Peer>()

  at(address: Address): Peer {
    const name = nameOf(address)
    const known = this.peers.get(name)
    if (known !== undefined) return known
    const peer: Peer = { open: false, opened: 0, trouble: undefined }
    this.peers.set(name, peer)
    return peer
  }

  /** Why calls may find no node. */
  trouble(): string | undefined {
    const troubles: Array<string> = []
    for (const [name, { trouble }] of this.peers) {
      if (trouble !== undefined && troubles.length < MAX_TROUBLES) troubles.push(`${name}: ${trouble}`)
    }
    return troubles.length === 0 ? undefined : troubles.join("; ")
  }
}

/** How many nodes that cannot be reached the error of a call names. */
const MAX_TROUBLES = 3
