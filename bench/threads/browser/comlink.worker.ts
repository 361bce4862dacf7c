import { expose, transfer } from "comlink"

expose({
  add: (a: number, b: number) => a + b,
  copy: (bytes: Uint8Array) => bytes,
  echo: (bytes: Uint8Array) => transfer(bytes, [bytes.buffer])
})
