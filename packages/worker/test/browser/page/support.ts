/** Stands for `../support.ts` in a page: the server of `runner.ts` makes the bundle when it is asked for it. */
export const bundle = async (name: string): Promise<URL> => new URL(`/${name}.mjs`, (globalThis as any).location.href)

/** Here each takes five times as long to be replaced. */
export const KILLS = 40

/** A browser's threads have no code. */
export const exited = (): string => "ended by itself"
