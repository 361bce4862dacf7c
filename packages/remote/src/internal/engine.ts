/**
 * The parts of Effect that this package stands on, and that its makers call unstable: rpc, http and sockets. Nothing else
 * imports them but the server, which has an `engine.ts` of its own: pages load none of what is there.
 *
 * All is exported one by one: of a namespace that is exported again, esbuild keeps all.
 */
export type * as Rpc from "effect/rpc/Rpc"
export { exitSchema, make as makeRpc } from "effect/rpc/Rpc"
export type * as RpcMessage from "effect/rpc/RpcMessage"
export { isStreamSchema } from "effect/rpc/RpcSchema"
export type * as Socket from "effect/socket/Socket"
export { isSocketError, makeWebSocket, WebSocketConstructor } from "effect/socket/Socket"
