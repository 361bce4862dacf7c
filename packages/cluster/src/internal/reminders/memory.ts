/**
 * Reminders in memory, for tests.
 */
import * as Effect from "effect/Effect"
import type { ReminderAddress, ReminderStore, StoredReminder } from "../../Reminders.ts"

interface Slot extends StoredReminder {
  readonly leasedUntil: number
  readonly leasedBy: string | undefined
}

/** A store that lasts as long as the value. */
export const memory = (): ReminderStore => {
  const slots = new Map<string, Slot>()
  const text = ({ actor, id, key }: ReminderAddress) => JSON.stringify([actor, key, id])
  const change = (slot: Slot, changes: Partial<Slot>) => slots.set(text(slot), { ...slot, ...changes })
  return {
    put: (order) =>
      Effect.sync(() => {
        const before = slots.get(text(order))
        const fresh = { attempts: 0, failed: undefined, lastFailure: undefined, leasedUntil: 0, leasedBy: undefined }
        if (before === undefined) slots.set(text(order), { ...order, ...fresh, generation: 1 })
        else if (before.every !== undefined && before.every === order.every) {
          change(before, { ...order, due: before.due, failed: undefined, lastFailure: undefined })
        } else change(before, { ...order, ...fresh, generation: before.generation + 1 })
      }),
    remove: (address) => Effect.sync(() => slots.delete(text(address))),
    list: ({ actor, key }) =>
      Effect.sync(() => [...slots.values()].filter((slot) => slot.actor === actor && slot.key === key).sort(byDue)),
    failing: (actor, limit) =>
      Effect.sync(() =>
        [...slots.values()]
          .filter((slot) => slot.lastFailure !== undefined && (actor === undefined || slot.actor === actor))
          .sort(byDue)
          .slice(0, limit)
      ),
    count: (actor, now) =>
      Effect.sync(() => {
        const all = [...slots.values()].filter((slot) => actor === undefined || slot.actor === actor)
        return {
          set: all.length,
          due: all.filter(({ due, failed }) => due <= now && failed === undefined).length,
          failing: all.filter(({ lastFailure }) => lastFailure !== undefined).length,
          abandoned: all.filter(({ failed }) => failed !== undefined).length
        }
      }),
    retry: (address) =>
      Effect.sync(() => {
        const slot = slots.get(text(address))
        if (slot?.lastFailure === undefined || slot.attempts === 0 || slot.leasedBy !== undefined) return false
        change(slot, { failed: undefined, attempts: 0, leasedUntil: 0 })
        return true
      }),
    lease: (actor, now, limit, { owner, until }) =>
      Effect.sync(() =>
        [...slots.values()]
          .filter((slot) => slot.actor === actor && slot.due <= now && slot.leasedUntil <= now && !slot.failed)
          .sort(byDue)
          .slice(0, limit)
          .map((slot) => {
            const leased = { ...slot, attempts: slot.attempts + 1, leasedUntil: until, leasedBy: owner }
            slots.set(text(slot), leased)
            return leased
          })
      ),
    extend: ({ owner, until }) =>
      Effect.sync(() => {
        for (const slot of slots.values()) if (slot.leasedBy === owner) change(slot, { leasedUntil: until })
      }),
    release: (owner) =>
      Effect.sync(() => {
        for (const slot of slots.values()) {
          if (slot.leasedBy === owner) change(slot, { leasedUntil: 0, leasedBy: undefined })
        }
      }),
    settle: (reminder, owner, outcome) =>
      Effect.sync(() => {
        const slot = slots.get(text(reminder))
        if (slot?.leasedBy !== owner || slot.generation !== reminder.generation) return
        const free = { leasedBy: undefined }
        if (outcome._tag === "Done") slots.delete(text(slot))
        else if (outcome._tag === "Next")
          change(slot, { due: outcome.due, attempts: 0, lastFailure: outcome.why, leasedUntil: 0, ...free })
        else if (outcome._tag === "Failed") change(slot, { failed: outcome.why, lastFailure: outcome.why, ...free })
        else {
          const { attempts, notBefore, why = slot.lastFailure } = outcome
          change(slot, { leasedUntil: notBefore, attempts, lastFailure: why, ...free })
        }
      })
  }
}

const byDue = (one: StoredReminder, other: StoredReminder): number => one.due - other.due
