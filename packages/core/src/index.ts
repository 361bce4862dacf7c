// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * An actor is a service that queues its calls and runs them in order, as many at a time as you allow.
 */
export * as Actor from "./Actor.ts"

/**
 * What an actor knows about itself.
 */
export * as ActorContext from "./ActorContext.ts"

/**
 * How a call can fail besides the errors of its method.
 */
export * as ActorError from "./ActorError.ts"

/**
 * Middleware runs around calls: it may refuse them, note them, or provide what their methods need.
 */
export * as ActorMiddleware from "./ActorMiddleware.ts"

/**
 * A pool spreads work over several instances of an actor, the least busy first.
 */
export * as ActorPool from "./ActorPool.ts"

/**
 * The register of living instances.
 */
export * as ActorSystem from "./ActorSystem.ts"

/**
 * Handles for plain async code: every method submits its call at once and returns the ref, which can be awaited.
 */
export * as AsyncHandle from "./AsyncHandle.ts"

/**
 * What an actor publishes, for any number of readers.
 */
export * as Broadcast from "./Broadcast.ts"

/**
 * Calls and instances by their numbers, for operators and consoles, which have no refs and no handles.
 */
export * as ByNumber from "./ByNumber.ts"

/**
 * References that travel with calls: what a caller sets, the method has, and what the method calls in turn, wherever
 * they run.
 */
export * as Carried from "./Carried.ts"

/**
 * For authors of tools that show a cluster, and of homes that have one: what a process knows of all nodes, and of the work
 * that is stored for them.
 */
export * as ClusterView from "./ClusterView.ts"

/**
 * What callers know of an actor, apart from everything that runs one.
 */
export * as Contract from "./Contract.ts"

/**
 * Contracts as data: for programs whose versions change while they run.
 */
export * as ContractShape from "./ContractShape.ts"

/**
 * `Driver` is the permission to block.
 */
export * as Driver from "./Driver.ts"

/**
 * For authors of homes: places outside this process, or this thread, where actors can live.
 */
export * as Home from "./Home.ts"

/**
 * For authors of tools: schedule explorers, live views, recorders, profilers.
 */
export * as Instrumentation from "./Instrumentation.ts"

/**
 * A ref is the ticket for a call that was submitted and not waited for.
 */
export * as ObjectRef from "./ObjectRef.ts"

/**
 * A task is a remote function: an Effect function whose calls are queued, limited, retried and cancelled like those of
 * an actor, and have refs.
 */
export * as Task from "./Task.ts"
