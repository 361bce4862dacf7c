/**
 * The instances that live in a thread, as their owner knows them.
 */
import * as Home from "@troupe/core/Home"
import { type PackedReasons, unpackAny } from "../values/causes.ts"
import { describe } from "../values/guard.ts"
import type { InstanceId } from "../wire/protocol.ts"

/** An instance on this side, as its constructor knows it. */
export type Self = Parameters<typeof Home.crash>[0]

export class Residents {
  private readonly instances = new Map<InstanceId, Self>()
  /** Those of them that were killed while they ran calls. */
  private readonly dying = new Set<InstanceId>()
  /** What to do when the thread has closed an instance. */
  private readonly closing = new Map<InstanceId, () => void>()

  add(id: InstanceId, self: Self): void {
    this.instances.set(id, self)
  }

  /** Ends an instance. `onClosed` is called when the thread has closed it, or is lost. */
  close(id: InstanceId, onClosed: () => void): void {
    this.leave(id)
    this.closing.set(id, onClosed)
  }

  leave(id: InstanceId): void {
    this.instances.delete(id)
    this.dying.delete(id)
  }

  closed(id: InstanceId): void {
    const onClosed = this.closing.get(id)
    this.closing.delete(id)
    onClosed?.()
  }

  /** An instance was killed while it ran calls. Returns whether that is news. */
  kill(id: InstanceId): boolean {
    if (this.dying.has(id)) return false
    this.dying.add(id)
    return true
  }

  /** Whether every instance that lives here was killed. */
  areAllDying(): boolean {
    return this.dying.size === this.instances.size
  }

  /** An instance has ended by itself, or, if it has not lived, could not be opened. */
  died(id: InstanceId, why: string, reasons: PackedReasons | undefined, hasLived: boolean): void {
    const self = this.instances.get(id)
    if (self === undefined) return
    const cause = reasons && unpackAny(reasons)
    if (hasLived) Home.ends(self, why, cause)
    else Home.died(self, why, cause)
  }

  /** The key of an instance cannot be sent. */
  refuse(id: InstanceId, error: unknown): void {
    const self = this.instances.get(id)
    if (self !== undefined) Home.died(self, `its key cannot cross to its thread: ${describe(error)}`, undefined)
  }

  all(): Iterable<Self> {
    return this.instances.values()
  }

  allClosing(): Iterable<InstanceId> {
    return this.closing.keys()
  }

  clear(): void {
    this.instances.clear()
  }
}
