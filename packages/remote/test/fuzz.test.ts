/**
 * Ten thousand frames of nonsense, most of them nearly right. `TROUPE_SEED=...` repeats a run.
 */
import { assert, it } from "vitest"
import { type Random, random } from "../../cluster/test/chaos/random.ts"
import {
  connect,
  EXPOSED,
  eventually,
  post,
  SECRET,
  type Site,
  type Stranger,
  stillServes,
  visited
} from "./hostileSupport.ts"

const FRAMES = 10_000
/** So many of them are bodies of POSTs. */
const POSTED = 1000
/** So many connections send them, one after the other: most frames end theirs. */
const AT_A_TIME = 8

const seed = Number(process.env.TROUPE_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Values that somebody may have forgotten. */
const VALUES = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    "",
    "tea",
    "__proto__",
    "constructor",
    "toString",
    "\n",
    "é\u0000",
    "1"
  ],
  ...[
    [],
    {},
    [[]],
    { key: "tea" },
    { args: [] },
    { _tag: "Request" },
    { __proto__x: 1 },
    Array.from({ length: 200 }, () => 0)
  ]
]

const IDS = [0, 1, 2, 3, "1", "a", "__proto__", -1, "x".repeat(100)]

const TAGS = [
  "troupe/hello",
  "troupe/contract",
  ...EXPOSED.map((name) => `test/Vault.${name}`),
  "test/Vault.hidden",
  "x"
]

const ARGS = [[], [1], ["error"], ["string"], ["x"], [{ a: [1] }], [1000], [-1], [null], [1, 2]]

/** A message that a client could send. */
const message = ({ below, pick }: Random): any => {
  const requestId = pick(IDS)
  switch (below(6)) {
    case 0:
      return { _tag: "Ack", requestId }
    case 1:
      return { _tag: "Interrupt", requestId }
    case 2:
      return pick([{ _tag: "Ping" }, { _tag: "Ping" }, { _tag: "Eof" }])
    default:
      return {
        _tag: "Request",
        id: requestId,
        tag: pick(TAGS),
        payload: {
          key: pick(["tea", "coffee", "", "unmakeable"]),
          args: pick(ARGS),
          reader: pick([{}, { maxPendingItems: 1 }])
        },
        headers: pick([[], [["troupe-baggage", '{"left":5}']], [["troupe-baggage", "{"]], [["troupe-remote", "1"]]])
      }
  }
}

/** The same value with something else somewhere. */
const mutated = (dice: Random, value: any): any => {
  if (typeof value !== "object" || value === null || dice.below(4) === 0) return dice.pick(VALUES)
  const copy = Array.isArray(value) ? [...value] : { ...value }
  const keys = Object.keys(copy)
  const key = keys.length === 0 ? "odd" : dice.pick(keys)
  if (dice.below(5) === 0) delete copy[key]
  else copy[key] = mutated(dice, copy[key])
  return copy
}

/** Text with bytes that are missing, twice there, or others. */
const garbled = (dice: Random, text: string): Buffer => {
  const bytes = Buffer.from(text)
  const at = dice.below(bytes.length)
  switch (dice.below(4)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes])
    case 2:
      bytes[at] = dice.below(256)
      return bytes
    default:
      return Buffer.from(Array.from({ length: dice.below(60) }, () => dice.below(256)))
  }
}

const frame = (dice: Random): string | Buffer => {
  const one = () => (dice.below(2) === 0 ? message(dice) : mutated(dice, message(dice)))
  const all = Array.from({ length: 1 + dice.below(4) }, one)
  const text = dice.below(3) === 0 ? JSON.stringify(all) : all.map((it) => JSON.stringify(it)).join("\n")
  return dice.below(6) === 0 ? garbled(dice, text) : text
}

/** Sends frames on one connection after another, until it is told to stop. */
const attack = async (site: Site, dice: Random, next: () => boolean): Promise<void> => {
  let stranger: Stranger | undefined
  while (next()) {
    if (stranger === undefined || stranger.socket.readyState !== stranger.socket.OPEN) stranger = await connect(site)
    stranger.send(frame(dice))
    assert.notInclude(JSON.stringify(stranger.received), SECRET)
    if (stranger.received.length > 50) stranger.received.length = 0
    if (dice.below(10) === 0) await new Promise((resolve) => setImmediate(resolve))
    if (dice.below(50) === 0) stranger.socket.terminate()
  }
  stranger?.socket.terminate()
}

it(
  `ten thousand odd frames leave nothing under way, and a good client is served (seed ${seed})`,
  { timeout: 300_000 },
  () =>
    visited(
      async (site) => {
        const dice = random(seed)
        let left = FRAMES - POSTED
        const attacks = Array.from({ length: AT_A_TIME }, () => attack(site, dice, () => left-- > 0))
        await Promise.all(attacks)
        for (let i = 0; i < POSTED; i++) {
          const control = new AbortController()
          const answer = post(site, frame(dice) as any, { signal: control.signal }).then((response) => response.text())
          // Some have answers that never end.
          const patience = setTimeout(() => control.abort(), 20)
          assert.notInclude(await answer.catch(() => ""), SECRET)
          clearTimeout(patience)
        }
        await eventually(() => site.underWay.size === 0)
        await stillServes(site)
      },
      { limits: { connectionsPerPeer: Infinity } }
    )
)
