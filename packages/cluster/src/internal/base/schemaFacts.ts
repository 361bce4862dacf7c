/**
 * What Effect's own schemas look like, of which nothing is promised. A schema that is not recognised is taken for one of a
 * user, which costs a little.
 */

/** Whether a part of a schema comes with Effect, and so throws nothing. */
export const isOfEffect = ({ annotations }: { readonly annotations?: object | undefined }): boolean =>
  String((annotations as any)?.representation?.id).startsWith("effect/schema/")
