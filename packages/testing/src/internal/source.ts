/**
 * Lines of source files, where there is a file system.
 */
import type { Place } from "./trace.ts"

interface Files {
  readFileSync(file: string, encoding: "utf8"): string
}

const files: Files | undefined = (globalThis as any).process?.getBuiltinModule?.("node:fs")

const cache = new Map<string, ReadonlyArray<string>>()

const linesOf = (file: string): ReadonlyArray<string> => {
  const known = cache.get(file)
  if (known !== undefined) return known
  const lines = read(file)
  cache.set(file, lines)
  return lines
}

const read = (file: string): ReadonlyArray<string> => {
  try {
    return files?.readFileSync(file, "utf8").split(/\r?\n/) ?? []
  } catch {
    // A report without source lines is better than none.
    return []
  }
}

/** The text of a line, if it can be had. */
export const sourceLine = ({ file, line }: Place): string | undefined => linesOf(file)[line - 1]?.trim()
