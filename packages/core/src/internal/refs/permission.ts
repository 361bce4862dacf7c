/** What `Driver` gives to those who may block: proof for code that runs on no fiber. */
export const permission: object = Object.freeze({})
