import { project } from "../../vitest.shared.ts"

// The tests in a browser are the same ones once more, and have a command of their own: npm run test:browser.
export default project("worker", { exclude: ["test/browser/**"] })
