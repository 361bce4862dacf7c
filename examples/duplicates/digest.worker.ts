import { TaskPool } from "@troupe/worker"
import { digest } from "./digest.ts"

TaskPool.serve([digest])
