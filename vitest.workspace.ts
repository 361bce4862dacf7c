/** The folders that hold a test project, each with its own `vitest.config.ts`. */
export default ["packages/*", "examples", "docs"]
