/** Puts what a page lacks of Node's globals, and tests use, in their place. */
export const setImmediate = (work: () => void): unknown => setTimeout(work)

/** Never returns on Node. Here the code goes on until its turn ends, so those who call it must wait for ever after it. */
export const exitProcess = (): void => (globalThis as any).close()
