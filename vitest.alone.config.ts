import { alone, project } from "./vitest.shared.ts"

export default project("alone", { include: alone.map((file) => `packages/*/${file}`), exclude: [], isolate: true })
