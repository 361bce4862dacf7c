import { move } from "piscina"
import { add, burn, digest } from "./work.ts"

const methods: Record<string, (...args: Array<any>) => unknown> = { add, burn, digest, echo: (bytes) => move(bytes) }

export default ([method, ...args]: [string, ...Array<unknown>]): unknown => methods[method]!(...args)
