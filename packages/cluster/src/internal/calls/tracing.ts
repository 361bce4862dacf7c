import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"

/** Whether the spans that are made in a context are collected. */
export const isTraced = (context: Context.Context<never>): boolean =>
  Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer
