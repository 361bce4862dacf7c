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

export const equivalents: ReadonlyArray<Equivalent> = []
