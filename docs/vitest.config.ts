import { project } from "../vitest.shared.ts"

// Each block of the documentation is a process of its own.
export default project("docs", { isolate: true })
