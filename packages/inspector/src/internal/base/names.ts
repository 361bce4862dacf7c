/**
 * How instances and methods are named to people.
 */

/** An instance, as events and snapshots describe it. */
export interface Named {
  /** The id of the actor. */
  readonly actor: string
  readonly instance: number
  readonly name?: string | undefined
  readonly key?: string | undefined
}

/** `app/Account(alice)`, `app/Counter "main"`. The number is left to the caller: not every place needs it. */
export const titleOf = ({ actor, key, name }: Named): string =>
  `${actor}${key === undefined ? "" : `(${key})`}${name === undefined ? "" : ` "${name}"`}`

/** The instance of a call, as far as the call itself tells: `app/Account(alice)`. */
export const ownerOf = (call: { readonly actor: string; readonly method: string }): string => {
  const method = methodOf(call)
  return method === call.method ? call.actor : call.method.slice(0, -method.length - 1)
}

/** The bare name of the method, for where the actor and the key are shown next to it. */
export const methodOf = ({ actor, method }: { readonly actor: string; readonly method: string }): string => {
  if (method.startsWith(`${actor}.`)) return method.slice(actor.length + 1)
  const key = method.startsWith(`${actor}(`) ? method.lastIndexOf(").") : -1
  return key < 0 ? method : method.slice(key + 2)
}
