/**
 * Ways to break core, each a small change of one file. `npm run mutants` shows that tests notice every one of them.
 */
export interface Mutant {
  /** What is broken. */
  readonly name: string
  /** The file in `packages/core/src/internal`. */
  readonly file: string
  /** Text that occurs in it exactly once, and what stands there instead. */
  readonly from: string
  readonly to: string
  /** A test of core that is to notice, where the explorer cannot be expected to: its file, and a part of its name. */
  readonly test?: readonly [file: string, name: string]
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "drops the release of a permit",
    file: "instance/line.ts",
    from: "    this.running--\n",
    to: ""
  },
  {
    name: "starts the last call in line, not the first",
    file: "instance/line.ts",
    from: "const call = this.head\n",
    to: "const call = this.tail!\n"
  },
  {
    name: "starts one call more than there are permits",
    file: "instance/line.ts",
    from: "this.running + this.held < this.limit && this.cell.life.ready) {",
    to: "this.running + this.held <= this.limit && this.cell.life.ready) {"
  },
  {
    name: "lets askers jump the line",
    file: "instance/line.ts",
    from: "if (this.head === undefined && this.running < this.limit) {",
    to: "if (this.running < this.limit) {"
  },
  {
    name: "believes that a drain is scheduled when it is not",
    file: "instance/line.ts",
    from: "      this.scheduled = undefined\n",
    to: ""
  },
  {
    name: "starts calls while the instance restarts",
    file: "instance/line.ts",
    from: "if (stack.isDeep() || !this.cell.life.ready) return this.wait(call, dispatcher)",
    to: "if (stack.isDeep()) return this.wait(call, dispatcher)"
  },
  {
    name: "puts a retried call at the end of the line",
    file: "instance/line.ts",
    from: "if (next === undefined) return this.wait(call, undefined)",
    to: "return this.wait(call, undefined)"
  },
  {
    name: "skips settling a call that ends while it waits",
    file: "instance/cell.ts",
    from: "    this.end(call, Exit.interrupt())\n",
    to: ""
  },
  {
    name: "does not count off calls that settle",
    file: "instance/cell.ts",
    from: "    this.counts(-1)\n",
    to: ""
  },
  {
    name: "cancels a call without those that it submitted",
    file: "refs/cancelling.ts",
    from: "endAll([...calls, ...descendants(calls)], Stage.Cancelling)",
    to: "endAll(calls, Stage.Cancelling)"
  },
  {
    name: "begins the next life before the calls of the last one have ended",
    file: "instance/supervisor.ts",
    from: "      yield* this.quieted()\n",
    to: ""
  },
  {
    name: "kills without ending the calls that run",
    file: "instance/life.ts",
    from: "    endAll(cell.running.toArray(), Stage.Dying)\n    if (cell.pending === 0) this.close()",
    to: "    this.close()"
  },
  {
    name: "never frees a name",
    file: "instance/registry.ts",
    from: "names.get(name)?.cell === cell) names.delete(name)",
    to: "names.get(name)?.cell === undefined) names.delete(name)"
  },
  {
    name: "forgets to go on after a restart",
    file: "instance/life.ts",
    from: "    for (const line of this.cell.lines()) line.drain(true)\n",
    to: ""
  },
  {
    name: "makes the next instance of a key while the last one is ending",
    file: "kinds/keyed.ts",
    from: "present?.life.ended(true)",
    to: "undefined"
  },
  {
    name: "starts a call when the first of its refs is there",
    file: "instance/preparing.ts",
    from: "--missing > 0) return",
    to: "--missing < 0) return"
  },
  {
    name: "forgets another waiter than the one that leaves",
    file: "call/ref.ts",
    from: "waiters.lastIndexOf(observer)",
    to: "0"
  },
  {
    name: "does not cancel the call of an asker that is interrupted",
    file: "handle/asker.ts",
    from: "  cancel(call)\n",
    to: ""
  },
  {
    name: "hands on the permit of an ended call at once",
    file: "instance/line.ts",
    from: "    if (held) this.hold(call)\n",
    to: "",
    test: ["5-batches.test.ts", "asks"]
  },
  {
    name: "forgets to hand on the permits of ended calls",
    file: "instance/handover.ts",
    from: "line.held = 0",
    to: "line.held += 0"
  },
  {
    name: "hands on the room of ended calls at once",
    file: "instance/cell.ts",
    from: "    this.room!.held++\n",
    to: "",
    test: ["5-batches.test.ts", "submissions that wait for room"]
  },
  {
    name: "starts the next call before it tells of a failure",
    file: "instance/line.ts",
    from: "    else stack.enter()\n",
    to: "    else stack.startBatch()\n",
    test: ["5-batches.test.ts", "by a sibling that fails"]
  },
  {
    name: "lets several fibers make an instance of the same name",
    file: "kinds/factory.ts",
    from: "    names.set(name, holder)\n",
    to: ""
  },
  {
    name: "starts calls in line whose time is over",
    file: "instance/line.ts",
    from: "        if (this.cell.expires(call)) continue\n",
    to: "",
    test: ["9-errors.test.ts", "9.1 of calls whose time is over together"]
  },
  // What the explorer found in core, and what has been mended since.
  {
    name: "lets an asker be interrupted between submitting its call and waiting for it",
    file: "handle/ask.ts",
    from: "call.exit ?? inPlace(waitOrCancel(call), fiber)",
    to: "call.exit ?? waitOrCancel(call)"
  },
  {
    name: "does not notice room that comes while a submitter begins to wait for it",
    file: "handle/admit.ts",
    from: "    if (!cell.full || signals.isAborted(call)) {\n      submit()\n      return resume(Effect.void)\n    }\n",
    to: ""
  },
  {
    name: "starts to watch for idle instances when all are to end",
    file: "kinds/keyed.ts",
    from: "    if (this.closed) return\n",
    to: ""
  }
]
