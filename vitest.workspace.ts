/** The folders that hold a test project, each with its own `vitest.config.ts`, and the tests that share no process. */
export default ["packages/*", "examples", "docs", "vitest.alone.config.ts"]
