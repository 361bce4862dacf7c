import { assert, describe, it } from "@effect/vitest"
import { check, type Entry, type Operation } from "./chaos/history.ts"

const operation = (id: string, changes: Partial<Operation> = {}): Operation => ({
  id,
  key: "k",
  kind: "durable",
  client: "c",
  sequence: Number(id.slice(1)),
  submittedAt: 0,
  phase: "calm",
  settledAt: 1,
  outcome: { _tag: "Done", position: Number(id.slice(1)) },
  ...changes
})

const broken = (operations: ReadonlyArray<Operation>, log: ReadonlyArray<Entry>) =>
  check(operations, new Map([["k", log]])).map(({ rule }) => rule)

const entry = (op: string, writer = "w"): Entry => ({ op, writer })

const noNode = { _tag: "Failed", mayHaveRun: false, byMethod: false, error: "no node" } as const

describe("the check of chaos runs", () => {
  it("finds nothing in a history where all is well", () => {
    assert.deepStrictEqual(
      broken(
        [
          operation("o0"),
          operation("o1"),
          operation("o2", { outcome: { _tag: "Failed", mayHaveRun: true, byMethod: true, error: "lost" } }),
          operation("o3", { kind: "atMostOnce", outcome: noNode })
        ],
        [entry("o0", "a"), entry("o1", "b"), entry("o2", "b")]
      ),
      []
    )
  })

  it("finds a call that did not settle", () => {
    const { outcome: _, ...unsettled } = operation("o0")
    assert.deepStrictEqual(broken([unsettled], []), ["every call settles"])
  })

  it("finds what was acknowledged and lost", () => {
    assert.deepStrictEqual(broken([operation("o0"), operation("o1")], [entry("o0")]), ["nothing acknowledged is lost"])
  })

  it("finds what was executed twice", () => {
    assert.deepStrictEqual(broken([operation("o0")], [entry("o0"), entry("o0")]), ["nothing is executed twice"])
  })

  it("finds a durable call that failed since its node did", () => {
    assert.deepStrictEqual(broken([operation("o0", { outcome: noNode })], []), ["durable calls survive"])
  })

  it("finds what ran although it is said not to have", () => {
    const failed = operation("o0", { kind: "atMostOnce", outcome: noNode })
    assert.deepStrictEqual(broken([failed], [entry("o0")]), ["what is said not to have run has not"])
  })

  it("finds operations of one client that changed places", () => {
    const swapped = [
      operation("o0", { outcome: { _tag: "Done", position: 1 } }),
      operation("o1", { outcome: { _tag: "Done", position: 0 } })
    ]
    assert.deepStrictEqual(broken(swapped, [entry("o1"), entry("o0")]), ["the order of each key is kept"])
    const volatile = swapped.map((call) => ({ ...call, kind: "atMostOnce" as const }))
    assert.deepStrictEqual(broken(volatile, [entry("o1"), entry("o0")]), [])
    const heldUp = swapped.map((call) => ({ ...call, settledAt: 5000 }))
    assert.deepStrictEqual(broken(heldUp, [entry("o1"), entry("o0")]), [])
    const later = volatile.map((call) => ({ ...call, submittedAt: call.sequence }))
    assert.deepStrictEqual(broken(later, [entry("o1"), entry("o0")]), ["the order of each key is kept"])
  })

  it("finds an instance that writes after it was replaced", () => {
    const log = [entry("o0", "a"), entry("o1", "b"), entry("o2", "a")]
    assert.deepStrictEqual(broken([operation("o0"), operation("o1"), operation("o2")], log), ["one writer at a time"])
  })
})
