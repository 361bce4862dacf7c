/** Takes the place of `effectNames.ts`: an Effect that has renamed every part that it does not promise. */
export const names: object = new Proxy({}, { get: (_, part) => `gone/${String(part)}` })
