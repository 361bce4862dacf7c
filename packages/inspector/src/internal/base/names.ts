/**
 * How people are told which instance and which method.
 */

/** An instance, as events and snapshots describe it. */
export interface Named {
  /** The id of the actor. */
  readonly actor: string
  readonly instance: number
  readonly name?: string | undefined
  readonly key?: string | undefined
}

/** `app/Account(alice)`, `app/Counter "main"`: without the number, which is not needed everywhere. */
export const titleOf = ({ actor, key, name }: Named): string =>
  `${actor}${key === undefined ? "" : `(${key})`}${name === undefined ? "" : ` "${name}"`}`

/** Whose call it is, where no more is known than the call: `app/Account(alice)`. */
export const ownerOf = (call: { readonly actor: string; readonly method: string }): string => {
  const method = methodOf(call)
  return method === call.method ? call.actor : call.method.slice(0, -method.length - 1)
}

/** The method's own name, where what stands next to it says the actor and the key. */
export const methodOf = ({ actor, method }: { readonly actor: string; readonly method: string }): string => {
  if (method.startsWith(`${actor}.`)) return method.slice(actor.length + 1)
  const key = method.startsWith(`${actor}(`) ? method.lastIndexOf(").") : -1
  return key < 0 ? method : method.slice(key + 2)
}
