import type { Bug } from "./bug.ts"
import { cacheStampede } from "./cacheStampede.ts"
import { cancelRace } from "./cancelRace.ts"
import { checkThenAct } from "./checkThenAct.ts"
import { doubleResolve } from "./doubleResolve.ts"
import { lockOrder } from "./lockOrder.ts"
import { lostUpdate } from "./lostUpdate.ts"
import { passivationRace } from "./passivationRace.ts"
import { permitLeak } from "./permitLeak.ts"
import { restartRace } from "./restartRace.ts"

export const bugs: ReadonlyArray<Bug> = [
  lostUpdate,
  checkThenAct,
  cancelRace,
  restartRace,
  doubleResolve,
  permitLeak,
  passivationRace,
  cacheStampede,
  lockOrder
]
