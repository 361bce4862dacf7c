import type { Bug } from "./bug.ts"
import { detachedRefund } from "./detachedRefund.ts"
import { doubleCharge } from "./doubleCharge.ts"
import { doubleClaim } from "./doubleClaim.ts"
import { earlyPurge } from "./earlyPurge.ts"
import { forgetfulLeave } from "./forgetfulLeave.ts"
import { forgottenLease } from "./forgottenLease.ts"
import { lostFence } from "./lostFence.ts"
import { replyBeforeStore } from "./replyBeforeStore.ts"
import { saga } from "./saga.ts"

export const bugs: ReadonlyArray<Bug> = [
  detachedRefund,
  doubleCharge,
  doubleClaim,
  earlyPurge,
  forgetfulLeave,
  forgottenLease,
  lostFence,
  replyBeforeStore,
  saga
]
