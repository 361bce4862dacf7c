// First, since React looks for a DOM when it is loaded.
import "./dom.ts"

import { afterEach, describe, expect, it } from "@effect/vitest"
import { Actor, ActorSystem, AsyncHandle, type ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, ManagedRuntime, Stream } from "effect"
import { act, Component, StrictMode, Suspense, use } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./App.tsx"
import { Cart } from "./actors.ts"
import { Event, HTMLInputElement } from "./dom.ts"

let unmount = async () => {}
afterEach(() => unmount())

/** Renders an element into the page. */
const render = async (node: React.ReactNode) => {
  const page = document.body.appendChild(document.createElement("div"))
  const root = createRoot(page)
  unmount = () =>
    act(async () => {
      root.unmount()
      page.remove()
    })
  await act(async () => root.render(node))
  return page
}

/** Lets React work until a condition holds. */
const until = async (holds: () => boolean) => {
  for (let turn = 0; !holds() && turn < 200; turn++) await act(async () => new Promise((go) => setImmediate(go)))
  expect(holds()).toBe(true)
}

const type = (input: HTMLInputElement, text: string) =>
  act(async () => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!.set!.call(input, text)
    input.dispatchEvent(new Event("input", { bubbles: true }))
  })

const field = <E extends HTMLElement>(page: HTMLElement, label: string) =>
  page.querySelector(`[aria-label="${label}"]`) as unknown as E

const namesIn = (page: HTMLElement) => [...page.querySelectorAll("li")].map((item) => item.textContent)

class Gate extends Actor.Service<Gate>()("test/Gate", {
  make: Effect.map(Deferred.make<string, string>(), (gate) => ({
    pass: () => Deferred.await(gate),
    open: (exit: Exit.Exit<string, string>) => Deferred.done(gate, exit)
  }))
}) {}

class Boundary extends Component<{ readonly children: React.ReactNode }, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {}
  static getDerivedStateFromError = (error: unknown) => ({ error })
  override render() {
    return "error" in this.state ? <i>{String(this.state.error)}</i> : this.props.children
  }
}

describe("use(ref)", () => {
  const withGate = async (test: (gate: AsyncHandle.AsyncHandle<Gate["Service"]>) => Promise<void>) => {
    const runtime = ManagedRuntime.make(Gate.layer)
    await test(AsyncHandle.make(await runtime.runPromise(Gate)))
    await runtime.dispose()
  }

  let renders = 0
  const Show = ({ value }: { readonly value: ObjectRef.ObjectRef<string, unknown> }) => {
    renders++
    return <b>{use(value)}</b>
  }

  it("shows the fallback until the call has settled, then its value, and renders no more often than with a promise", () =>
    withGate(async (gate) => {
      const counted = async (value: ObjectRef.ObjectRef<string, unknown>, settle: () => Promise<unknown>) => {
        renders = 0
        const page = await render(
          <Suspense fallback="waiting">
            <Show value={value} />
          </Suspense>
        )
        expect(page.textContent).toBe("waiting")
        await act(async () => void (await settle()))
        await until(() => page.textContent === "open")
        await unmount()
        return renders
      }
      let resolve = (_: string) => {}
      const promise = new Promise<string>((go) => {
        resolve = go
      })
      const withPromise = await counted(promise as any, async () => resolve("open"))
      const withRef = await counted(gate.pass(), () => gate.open(Exit.succeed("open")))
      expect(withRef).toBeLessThanOrEqual(withPromise)
    }))

  it("reads a ref that has settled without showing the fallback", () =>
    withGate(async (gate) => {
      await gate.open(Exit.succeed("open"))
      const ref = gate.pass()
      await ref
      renders = 0
      const page = await render(<Show value={ref} />)
      expect(page.textContent).toBe("open")
      expect(renders).toBe(1)
    }))

  it("throws the error of a call that fails to the error boundary", () =>
    withGate(async (gate) => {
      const page = await render(
        <Boundary>
          <Suspense fallback="waiting">
            <Show value={gate.pass()} />
          </Suspense>
        </Boundary>
      )
      await act(async () => void (await gate.open(Exit.fail("closed"))))
      await until(() => page.textContent === "closed")
    }))
})

describe("the cart", () => {
  it.effect("loses no item of those that are added at the same time, and each is told of its own", () =>
    Effect.gen(function* () {
      const cart = yield* Cart
      const names = Array.from({ length: 50 }, (_, n) => `item ${n}`)
      const results = yield* Effect.forEach(names, (name) => cart.add(name), { concurrency: "unbounded" })
      expect(results.map((items) => items.at(-1)?.name)).toEqual(names)
      expect(results.at(-1)?.map(({ id }) => id)).toEqual(names.map((_, n) => n + 1))
    }).pipe(Effect.provide(Cart.layer))
  )

  it.effect("tells a watcher of every change, also of those while it begins to watch", () =>
    Effect.gen(function* () {
      const cart = yield* Cart
      const names = ["a", "b", "c"]
      const [seen] = yield* Effect.all(
        [
          cart.watch().pipe(
            Stream.takeUntil((items) => items.length === names.length),
            Stream.runCollect
          ),
          Effect.forEach(names, (name) => cart.add(name))
        ],
        { concurrency: "unbounded" }
      )
      const lengths = seen.map((items) => items.length)
      expect(lengths).toEqual(lengths.map((_, n) => lengths[0]! + n))
      expect(lengths.at(-1)).toBe(3)
    }).pipe(Effect.provide(Cart.layer))
  )
})

describe("the example", () => {
  it("finds, adds and follows, also where StrictMode mounts everything twice", async () => {
    const page = await render(
      <StrictMode>
        <App />
      </StrictMode>
    )
    await until(() => namesIn(page).length === 4)
    await type(field(page, "find"), "ap")
    await until(() => namesIn(page).join() === "apple,apricot")
    await act(async () =>
      page.querySelector("form")!.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }))
    )
    await until(() => page.querySelector("form p")!.textContent === "1 added here")
    await until(() => field(page, "cart").textContent === "pear")
  })

  it("leaves no actor behind when it is taken off the page", async () => {
    let actors: ReadonlyArray<unknown> = []
    const look = async () => {
      const { instances } = await Effect.runPromise(ActorSystem.snapshot() as Effect.Effect<ActorSystem.Snapshot>)
      actors = instances.filter(({ actor, state }) => actor.startsWith("react/") && state !== "dead")
    }
    const untilThereAre = async (count: number) => {
      for (let turn = 0; actors.length !== count && turn < 200; turn++) await act(look)
      expect(actors.length).toBe(count)
    }
    await look()
    await untilThereAre(0)
    const page = await render(
      <StrictMode>
        <App />
      </StrictMode>
    )
    await until(() => namesIn(page).length === 4)
    await untilThereAre(2)
    await unmount()
    unmount = async () => {}
    await untilThereAre(0)
  })
})
