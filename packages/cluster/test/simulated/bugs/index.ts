import type { Bug } from "./bug.ts"
import { doubleCharge } from "./doubleCharge.ts"
import { doubleClaim } from "./doubleClaim.ts"
import { earlyPurge } from "./earlyPurge.ts"
import { forgetfulLeave } from "./forgetfulLeave.ts"
import { lostFence } from "./lostFence.ts"
import { replyBeforeStore } from "./replyBeforeStore.ts"
import { saga } from "./saga.ts"

export const bugs: ReadonlyArray<Bug> = [
  doubleCharge,
  doubleClaim,
  earlyPurge,
  forgetfulLeave,
  lostFence,
  replyBeforeStore,
  saga
]
