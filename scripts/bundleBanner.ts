/**
 * What a bundle for Node begins with: dependencies of programs that are CommonJS, such as `ws`, ask for Node's modules with
 * it. The name is one that no program has.
 */
export const bundleBanner =
  'import { createRequire as requireOfBundle } from "node:module"; const require = requireOfBundle(import.meta.url)'
