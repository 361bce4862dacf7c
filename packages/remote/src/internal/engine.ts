/**
 * The parts of Effect that this package stands on, and that its makers call unstable: rpc, http and sockets. Nothing else
 * here imports them.
 *
 * What pages load is exported one by one: of a namespace that is exported again, esbuild keeps all.
 */
export * as Headers from "effect/http/Headers"
export * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
export * as HttpRouter from "effect/http/HttpRouter"
export * as HttpServerRequest from "effect/http/HttpServerRequest"
export * as HttpServerResponse from "effect/http/HttpServerResponse"
export * as Rpc from "effect/rpc/Rpc"
export { exitSchema, make as makeRpc } from "effect/rpc/Rpc"
export * as RpcGroup from "effect/rpc/RpcGroup"
export type * as RpcMessage from "effect/rpc/RpcMessage"
export * as RpcSchema from "effect/rpc/RpcSchema"
export { isStreamSchema } from "effect/rpc/RpcSchema"
export * as RpcSerialization from "effect/rpc/RpcSerialization"
export * as RpcServer from "effect/rpc/RpcServer"
export * as Socket from "effect/socket/Socket"
export { isSocketError, makeWebSocket, WebSocketConstructor } from "effect/socket/Socket"
