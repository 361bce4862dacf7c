/**
 * Ending calls before they are done: which can be ended, and all at once.
 */
import { type Call, Stage } from "./call.ts"

/** A call that ends for a restart may run again, so that it can still be ended for good. */
export const canEnd = (call: Call, stage: Stage): boolean => {
  if (call.exit !== undefined || call.stage === Stage.New) return false
  return call.stage <= Stage.Running || (call.stage === Stage.Restarting && stage !== Stage.Restarting)
}

/** Whether a call was told to end, by itself or together with others. */
export const isEnded = ({ stage }: Call): boolean => stage === Stage.Cancelling || stage === Stage.Expiring

/**
 * The unsettled calls that these calls submitted, and those that they submitted, without recursion on the stack. What is told
 * to end already has told its own.
 */
export const descendants = (calls: ReadonlyArray<Call>): Array<Call> => {
  const found = calls.filter((call) => canEnd(call, Stage.Cancelling))
  const given = found.length
  for (let i = 0; i < found.length; i++) {
    for (const child of found[i]!.children ?? []) if (canEnd(child, Stage.Cancelling)) found.push(child)
  }
  return found.slice(given)
}

/**
 * Ends calls for the reason that `stage` stands for.
 *
 * All are told, and out of line, before the first one ends. Ending a call frees its permit, which must not start another
 * that is to end; and it has others end that wait for it, which would go on to end their own children one by one.
 */
export const endAll = (calls: ReadonlyArray<Call>, stage: Stage): void => {
  const told: Array<Call> = []
  const before: Array<Stage> = []
  for (const call of calls) {
    // One that is given twice has been told by now.
    if (!canEnd(call, stage)) continue
    told.push(call)
    before.push(call.stage)
    call.line.cell.withdraw(call)
    call.stage = stage
  }
  for (let i = 0; i < told.length; i++) told[i]!.line.cell.endCall(told[i]!, before[i]!)
}

/** Cancels a call, and with it the unsettled calls that it submitted. */
export const cancel = (call: Call): void => {
  if (canEnd(call, Stage.Cancelling)) endAll([call, ...descendants([call])], Stage.Cancelling)
}
