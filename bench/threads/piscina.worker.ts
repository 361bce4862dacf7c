import { move } from "piscina"
import { add, burn, copy, digest } from "./work.ts"

const methods: Record<string, (...args: Array<any>) => unknown> = {
  add,
  burn,
  copy,
  digest,
  echo: (bytes) => move(bytes)
}

export default ([method, ...args]: [string, ...Array<unknown>]): unknown => methods[method]!(...args)
