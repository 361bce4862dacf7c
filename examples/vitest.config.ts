import { project } from "../vitest.shared.ts"

// Each test starts programs as a user would, and the tour takes its time.
export default project("examples", {
  include: ["test/**/*.test.ts", "react/*.test.tsx"],
  testTimeout: 60_000
})
