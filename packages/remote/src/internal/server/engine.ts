/**
 * What the server needs of the parts of Effect that its makers call unstable: rpc, http and sockets. Nothing else in this
 * folder imports them.
 */
export * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
export * as HttpRouter from "effect/http/HttpRouter"
export * as HttpServerRequest from "effect/http/HttpServerRequest"
export * as HttpServerResponse from "effect/http/HttpServerResponse"
export type * as Rpc from "effect/rpc/Rpc"
export * as RpcGroup from "effect/rpc/RpcGroup"
export type * as RpcMessage from "effect/rpc/RpcMessage"
export type * as RpcSchema from "effect/rpc/RpcSchema"
export * as RpcSerialization from "effect/rpc/RpcSerialization"
export * as RpcServer from "effect/rpc/RpcServer"
export * as Socket from "effect/socket/Socket"
