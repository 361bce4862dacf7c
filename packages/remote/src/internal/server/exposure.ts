/**
 * What of an actor is exposed, and to whom: a group of rpcs that knows what serves them.
 */
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import type { GroupOptions } from "../../RemoteHome.ts"
import { type Contracted, of, type Wire, type WireMethod } from "../wire/wire.ts"
import { RpcGroup } from "./engine.ts"
import type { Terms } from "./handlers.ts"
import { SentDefect } from "./sentDefect.ts"

export interface Exposure extends Pick<Terms, "authorize" | "carried" | "acceptsAnnotations"> {
  readonly wire: Wire
  readonly methods: ReadonlyArray<WireMethod>
  readonly group: RpcGroup.RpcGroup<any>
}

/** On a group that was made here. */
export const Exposure: Context.Reference<Exposure | undefined> = Context.Reference<Exposure | undefined>(
  "troupe/remote/Exposure",
  { defaultValue: () => undefined }
)

const wireOf = /* @__PURE__ */ of(SentDefect)

export const group = (actor: Contracted, options: GroupOptions<any, any, any, any>): RpcGroup.RpcGroup<any> => {
  const wire = wireOf(actor)
  Home.checkOptions<GroupOptions<any, any, any, any>>(wire.actor, options, {
    expose: true,
    authorize: true,
    carried: true,
    logAnnotations: true
  })
  const methods = methodsOf(wire, options.expose)
  const plain = RpcGroup.make(...methods.map(({ rpc }) => rpc as any)) as RpcGroup.RpcGroup<any>
  const { authorize, carried = [], logAnnotations = false } = options
  if (authorize !== undefined && typeof authorize !== "function")
    throw new TypeError(`${wire.actor}: authorize must be a function of the key, but is ${Home.show(authorize)}`)
  return plain.annotate(Exposure, {
    wire,
    methods,
    group: plain,
    authorize,
    carried: new Set(carried.map(({ key }) => key)),
    acceptsAnnotations: logAnnotations
  })
}

const methodsOf = ({ actor, methods }: Wire, names: unknown): ReadonlyArray<WireMethod> => {
  if (!Array.isArray(names) || names.length === 0)
    throw new TypeError(
      `${actor}: expose must name the methods that callers elsewhere may call, like ["${[...methods.keys()][0]}"], but is ${Home.show(names)}`
    )
  return [...new Set(names)].map((name) => {
    const method = methods.get(name)
    if (method !== undefined) return method
    throw new TypeError(
      `${actor}: expose names ${Home.show(name)}, and its contract has ${[...methods.keys()].join(", ")}`
    )
  })
}
