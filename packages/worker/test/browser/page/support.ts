/** Stands for `../support.ts` in a page: the server of `runner.ts` makes the bundle when it is asked for it. */
export const bundle = async (name: string): Promise<URL> => new URL(`/${name}.mjs`, (globalThis as any).location.href)
