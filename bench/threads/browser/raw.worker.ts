const scope = globalThis as any
scope.onmessage = ({ data: [id, method, ...args] }: { data: [number, string, ...Array<any>] }) => {
  if (method === "add") scope.postMessage([id, args[0] + args[1]])
  else if (method === "copy") scope.postMessage([id, args[0]])
  else scope.postMessage([id, args[0]], [args[0].buffer])
}
