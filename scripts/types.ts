// Runs the type tests. tstyche needs a TypeScript with a JavaScript API, which version 7 no longer has, so it is told
// to use version 6 from this repository's own dependencies. It reads the variable when it is loaded.
process.env.TSTYCHE_TYPESCRIPT_MODULE ??= "typescript-6"

const { Cli } = await import("tstyche/api")
process.exitCode = await new Cli().run(process.argv.slice(2))
