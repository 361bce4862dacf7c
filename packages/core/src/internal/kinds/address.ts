/**
 * The address of a key: it has no instance of its own, each call finds the present one.
 *
 * While an instance is up, `get` gives its address, which is made once and remembers the instance. What an address can do
 * is on one prototype per actor: making an address makes an object and what it is kept by, and no closures.
 */
import * as Equal from "effect/Equal"
import { memoize } from "effect/Function"
import * as Hash from "effect/Hash"
import { NodeInspectSymbol } from "effect/Inspectable"
import { VersionKey, versioned } from "../base/copies.ts"
import { checkGroup } from "../base/options.ts"
import { attempt, keyText } from "../base/show.ts"
import { version } from "../base/version.ts"
import * as handles from "../handle/handle.ts"
import type { Cell, CellLine, Target } from "../instance/cell.ts"
import { type Definition, describe } from "./definition.ts"

/** What an address needs of the instances of its actor. */
interface Instances {
  /** Whether they only stand for instances that live elsewhere. */
  readonly areClients: boolean
  /** The instance for a key, if one is up. */
  peek(key: unknown): Cell | undefined
  /** The instance for a key, about to get a call. It may remember the address. */
  obtain(key: unknown, address: Address): Cell
  /** An instance that is up is about to get a call. */
  wake(cell: Cell): void
}

const KeyOf: unique symbol = Symbol.for(versioned("troupe/KeyOf")) as any

/** The methods of an address that have been used. They are few, and each Map would be as large as the instance. */
interface Used {
  readonly name: string
  readonly method: unknown
  readonly next: Used | undefined
}

/** What an address knows. */
export class Address implements Target, handles.Lines {
  /** The instance that remembers this address. */
  resident: Cell | undefined = undefined
  private used: Used | undefined = undefined

  declare readonly instances: Instances
  declare readonly definition: Definition
  declare readonly key: unknown
  /** What callers hold. */
  declare readonly handle: object

  constructor(instances: Instances, definition: Definition, key: unknown) {
    this.instances = instances
    this.definition = definition
    this.key = key
    this.handle = makeHandle(this)
  }

  get label(): string {
    return `${this.definition.id}(${keyText(this.key)})`
  }

  private present(): Cell {
    const { instances, resident } = this
    if (resident === undefined || resident.death !== undefined) return instances.obtain(this.key, this)
    instances.wake(resident)
    return resident
  }

  resolve(): CellLine {
    return this.present().main
  }

  line(group: string | undefined): Target {
    if (group === undefined) return this
    const { id, options } = this.definition
    checkGroup(id, options.concurrencyGroups, group, this.instances.areClients)
    return { resolve: () => this.present().line(group) }
  }

  method(name: string): unknown {
    for (let used = this.used; used !== undefined; used = used.next) if (used.name === name) return used.method
    const method = handles.makeMethod(this, describe(this.definition, name, `${this.label}.${name}`))
    this.used = { name, method, next: this.used }
    return method
  }
}

interface Handle {
  readonly [KeyOf]: Address
}

/** What all addresses can do. */
const common = {
  [Equal.symbol](this: Handle, that: any): boolean {
    const [own, other] = [this[KeyOf], that?.[KeyOf]]
    return other !== undefined && other.instances === own.instances && Equal.equals(other.key, own.key)
  },
  [Hash.symbol](this: Handle): number {
    const { definition, key } = this[KeyOf]
    return Hash.combine(Hash.hash(key), Hash.string(definition.id))
  },
  [NodeInspectSymbol](this: Handle): string {
    return this[KeyOf].label
  },
  toString(this: Handle): string {
    return this[KeyOf].label
  },
  toJSON(this: Handle): unknown {
    const { definition, key } = this[KeyOf]
    return { _id: "Actor", actor: definition.id, key: inJson(key) }
  },
  get [handles.TargetKey](): Target {
    return (this as unknown as Handle)[KeyOf]
  },
  get [handles.CellKey](): Cell | undefined {
    const { instances, key } = (this as unknown as Handle)[KeyOf]
    return instances.peek(key)
  },
  [VersionKey]: version
}

/** A key as it is, if JSON can have it. */
const inJson = (key: unknown): unknown => (attempt(() => JSON.stringify(key)) === undefined ? keyText(key) : key)

const member = (name: string): PropertyDescriptor =>
  handles.member<Handle>(name, (handle) => handle[KeyOf].method(name))

/** What the addresses of one actor have in common. */
interface Model {
  readonly prototype: object
  /** Their own properties, where a contract tells the methods. */
  readonly own: handles.Members
}

const modelOf = /* @__PURE__ */ memoize((definition: Definition): Model => {
  const { contract } = definition
  const { own, prototype } =
    contract === undefined ? { prototype: open(definition), own: [] } : closed(definition, Object.keys(contract))
  return { prototype: handles.settable(prototype, { [KeyOf]: undefined }), own }
})

/** With a contract there are no other methods. */
const closed = ({ id, key }: Definition, names: ReadonlyArray<string>): Model => ({
  prototype: handles.refusingOthers(common, id, key, names),
  own: names.map((name) => [name, member(name)])
})

/**
 * Without a contract the methods are not known before the first instance is made: whatever is asked for may be one. Those
 * that are known by now become properties, which are found without the Proxy, ten times as fast.
 */
const open = ({ shapes }: Definition): object => {
  const found: object = Object.create(
    new Proxy(common, {
      get(target, name, handle) {
        if (shapes.shape?.methods.some((method) => method.name === name)) {
          Object.defineProperty(found, name, { ...member(name as string), enumerable: false })
        } else if (name in target || typeof name === "symbol" || handles.probes.has(name))
          return Reflect.get(target, name, handle)
        return (handle as Handle)[KeyOf].method(name as string)
      }
    })
  )
  return found
}

const makeHandle = (address: Address): object => {
  const { own, prototype } = modelOf(address.definition)
  const handle = Object.create(prototype)
  handle[KeyOf] = address
  return handles.addMembers(handle, own)
}
