/**
 * What a storage refuses for good, as opposed to a storage that does not answer: another try would be refused as well.
 */
import { wordsOf } from "./writable.ts"

/** Why a call is not stored that has the id of another one. */
export class OtherArguments extends Error {
  constructor(index: number) {
    super(
      `a call with the same id had another argument ${index + 1}. Give a call that is made again the same arguments, and another call another id`
    )
  }
}

/** Postgres: what is too long, or no value of a column; a constraint; what is beyond its limits. */
const PERMANENT = /^(22|23|54)/
/** SQLite: too big, a constraint, a mismatch of types. */
const PERMANENT_IN_SQLITE: ReadonlySet<number> = new Set([18, 19, 20])

/** The words of a database that refuses what it is to store, or `undefined` for all other errors. */
export const refusalOf = (error: any): string | undefined => {
  const cause = error?.reason?.cause
  const { code, errcode } = cause ?? {}
  const isRefused =
    (typeof code === "string" && code.length === 5 && PERMANENT.test(code)) ||
    (typeof errcode === "number" && PERMANENT_IN_SQLITE.has(errcode & 0xff))
  return isRefused ? wordsOf(cause) : undefined
}

/** What a result comes to that the storage refuses. It keeps its name on the way to callers in other processes. */
export class ResultRefused extends Error {
  static readonly identifier = "troupe/cluster/ResultRefused"
  override readonly name = ResultRefused.identifier
}
