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
  },
  {
    file: "base/asyncContext.ts",
    line: 'const hooks: Hooks | undefined = (globalThis as any).process?.getBuiltinModule?.("node:async_hooks")',
    from: "(globalThis as any).process?.getBuiltinModule",
    to: "(globalThis as any).process.getBuiltinModule",
    why: "these tests run on Node, which has `process`; `npm run check:runtimes` runs where there is none"
  },
  {
    file: "base/asyncContext.ts",
    line: 'const context = storage.run(true, () => new hooks.AsyncResource("Troupe", trigger))',
    from: "true",
    to: "false",
    why: "the trial looks for the place of a store, and any value but `undefined` shows it"
  },
  {
    file: "base/stack.ts",
    line: "if (depth === 0 && backlog.length > 0) workOff()",
    from: "depth === 0 && backlog.length > 0",
    to: "true",
    why: "waiters of a batch are told call by call, not once: that costs time, and their order is not promised"
  },
  {
    file: "base/stack.ts",
    line: "if (depth === 0 && backlog.length > 0) workOff()",
    from: "depth === 0",
    to: "true",
    why: "as above"
  },
  {
    file: "call/deadlock.ts",
    line: "if (isWaitedFor(waiter) && !mayGoOn(waiter) && isStuck(waiter)) resolve(waiter)",
    from: "isWaitedFor(waiter)",
    to: "true",
    why: "only what is waited for can be part of a cycle, so the search finds nothing else; the test saves the search"
  },
  {
    file: "call/deadlock.ts",
    line: "call.stage >= Stage.Running && call.waits === undefined && call.reader === undefined",
    from: "call.stage >= Stage.Running",
    to: "false",
    why: "a single look saves the search, which comes to the same"
  },
  {
    file: "call/deadlock.ts",
    line: "if (fiber === undefined || (waits.fiber as unknown) !== fiber) return undefined",
    from: "fiber === undefined",
    to: "false",
    why: "a wait has a fiber, which differs from `undefined`; the test is there for the compiler"
  },
  {
    file: "call/unobserved.ts",
    line: "Effect.updateContext(Effect.logWarning(line(last, count - 1), printable(last.cause)), () => last.context)",
    from: "count - 1",
    to: "count + 1",
    why: "unobserved.test.ts notices, in a process of its own: collection can be forced only there, and Stryker looks into none"
  },
  {
    file: "refs/combinators.ts",
    line: "return Effect.sync(() => {",
    from: "{\n        for (const [index, ref] of refs.entries()) {\n          ref.unobserve",
    to: "{}",
    why: "only what the collector frees shows it: a reader that stops early would be kept until the refs settle"
  },
  {
    file: "handle/streaming.ts",
    line: "return Effect.sync(() => {",
    from: "{",
    to: "{}",
    why: "a pull that is interrupted ends its stream, and with it the call that it waits for, whose waiters go with it"
  },
  {
    file: "handle/streaming.ts",
    line: "leave()",
    from: "leave()",
    to: ";",
    why: "as above"
  },
  {
    file: "instance/registry.ts",
    line: "if (name !== undefined && names.get(name)?.cell === cell) names.delete(name)",
    from: "name !== undefined && names.get(name)?.cell === cell",
    to: "name !== undefined || names.get(name)?.cell === cell",
    why: "a name is given away again only when its instance is gone, so that the two tests come to the same"
  },
  {
    file: "instance/registry.ts",
    line: 'tasks.hub?.instance({ ...cell, context: Context.empty() }, { _tag: "InstanceGone" })',
    from: "{ ...cell, context: Context.empty() }",
    to: "{}",
    why: "let-go.test.ts notices, in a process of its own: collection can be forced only there, and Stryker looks into none"
  }
]
