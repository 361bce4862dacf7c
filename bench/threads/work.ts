/** What the threads of all contenders do. */
import { hash } from "node:crypto"
import { readFileSync } from "node:fs"

export const digest = (file: string): string => hash("sha256", readFileSync(file))

export const copy = (bytes: Uint8Array): Uint8Array => bytes

export const add = (a: number, b: number): number => a + b

/** Keeps a core busy for so many milliseconds of CPU time. */
export const burn = (milliseconds: number): number => {
  let rounds = 0
  const start = process.threadCpuUsage()
  const spent = () => {
    const { system, user } = process.threadCpuUsage(start)
    return (system + user) / 1000
  }
  while (spent() < milliseconds) for (let i = 0; i < 1000; i++) rounds++
  return rounds
}
