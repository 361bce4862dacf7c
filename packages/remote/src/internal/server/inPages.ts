/**
 * What bundles for browsers have in the place of the server: some bundlers keep all that is reached through the index of
 * this package, and it is three quarters of that.
 */

/** `RemoteHome.serve`, `RemoteHome.handlers`. */
const refuse = (operation: string) => (): never => {
  throw new TypeError(
    `RemoteHome.${operation}: this is a bundle for browsers, which has no server in it. Build what serves for Node, or without the condition "browser"`
  )
}

export const serve = /* @__PURE__ */ refuse("serve")
export const handlersOf = /* @__PURE__ */ refuse("handlers")
