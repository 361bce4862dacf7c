/** Random changes of core that no test can notice, because they change nothing that a program could see. */
export interface Equivalent {
  /** The end of the file's path. */
  readonly file: string
  /** The source line, without the space around it, and how the changed text begins. */
  readonly line: string
  readonly from: string
  readonly to: string
  /** Why no program sees a difference. */
  readonly why: string
}

export const equivalents: ReadonlyArray<Equivalent> = [
  {
    file: "call/call.ts",
    line: "if (this.asyncContext !== undefined) this.asyncContext = undefined",
    from: "this.asyncContext !== undefined",
    to: "true",
    why: "the field is undefined before, and is so afterwards; the test saves a write"
  },
  {
    file: "refs/combinators.ts",
    line: "if (exit !== undefined) {",
    from: "{",
    to: "{}",
    why: "a ref that has settled tells its observer on the spot, which takes the same step; resuming twice is resuming once"
  },
  {
    file: "refs/cancelling.ts",
    line: "if (refs.every((ref) => ref.exit !== undefined)) return Effect.void",
    from: "(ref) => ref.exit !== undefined",
    to: "() => undefined",
    why: "where none is open the callback resumes at once; the test saves the callback"
  }
]
