/**
 * A blocking get inside an actor does not compile. The actor of this program is a compiler: it compiles a file with the
 * mistake, and the same file with `yield* ref` instead.
 */
import { Actor } from "@troupe/core"
import { Effect, FileSystem, Path } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Screen, wrap } from "../Screen.ts"
import { check, type Program } from "./Program.ts"
import { Timeline } from "./Timeline.ts"

const fixture = new URL("5-blocking.ts.txt", import.meta.url)

class Compiler extends Actor.Service<Compiler>()("tour/Compiler", {
  maxConcurrency: 1,
  make: Effect.gen(function* () {
    const timeline = yield* Timeline
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const project = yield* makeProject
    return {
      /** Compiles one file of the project, and returns what the compiler prints: nothing, if all is well. */
      compile: (name: string, source: string) =>
        Effect.gen(function* () {
          const config = yield* project.add(name, source)
          return yield* spawner.string(
            ChildProcess.make(
              process.execPath,
              [project.tsc, "--pretty", "false", "--project", config],
              {
                cwd: project.folder
              }
            )
          )
        }).pipe(timeline.lane(name))
    }
  })
}) {}

/** A folder for the files to compile, inside the repository so that they can import what it imports. */
const makeProject = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const parent = yield* path.fromFileUrl(
    new URL("../.tmp/", import.meta.url)
  )
  const root = yield* path.fromFileUrl(new URL("../../", import.meta.url))
  const typescript = yield* path.fromFileUrl(
    new URL(import.meta.resolve("typescript/package.json"))
  )
  yield* fs.makeDirectory(parent, { recursive: true })
  const folder = yield* fs.makeTempDirectoryScoped({ directory: parent })
  return {
    folder,
    tsc: path.join(path.dirname(typescript), "bin", "tsc"),
    add: Effect.fnUntraced(function* (name: string, source: string) {
      const config = `${name}.json`
      yield* fs.writeFileString(path.join(folder, name), source)
      yield* fs.writeFileString(
        path.join(folder, config),
        JSON.stringify({
          extends: path.join(root, "tsconfig.base.json"),
          compilerOptions: { types: [], noUnusedLocals: false },
          files: [name]
        })
      )
      return config
    })
  }
})

const compileBoth = Effect.gen(function* () {
  const compiler = yield* Compiler
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const source = yield* fs.readFileString(yield* path.fromFileUrl(fixture))
  return yield* Effect.all(
    {
      blocking: compiler.compile("blocking.ts", source),
      yielding: compiler.compile(
        "yielding.ts",
        source.replace("ObjectRef.get(ref)", "ref")
      )
    },
    { concurrency: "unbounded" } // submitted at once, but compiled one after the other: maxConcurrency is 1
  )
})

/** The head of the message and the line that says what is wrong; the lines between them are about types. */
const essence = (message: string): ReadonlyArray<string> => {
  const [head = "", ...rest] = message.split("\n")
  return [
    head,
    ...rest
      .filter((line) => line.includes("may not block"))
      .map((line) => line.trim())
  ]
}

export const blocking: Program = {
  title: "A blocking get in an actor does not compile",
  about:
    "An actor that blocks could wait for itself. ObjectRef.get requires Driver, and no method may. The type checker " +
    "is asked twice, by an actor: about this class, and about the same class with yield* ref.",
  file: fixture.href,
  lanes: ["blocking.ts", "yielding.ts"],
  seconds: 1,
  run: Effect.gen(function* () {
    const { style } = yield* Screen
    const { blocking, yielding } = yield* compileBoth
    const message = essence(blocking)
    const errors = blocking
      .split("\n")
      .filter((line) => line.includes(": error TS"))
    return {
      notes: [
        ...message.flatMap((line, i) =>
          wrap(line, i === 0 ? 76 : 72).map(
            (part) => `  ${i === 0 ? "" : "    "}${part}`
          )
        ),
        ""
      ].map(style.red),
      checks: [
        check(
          "the compiler refuses the blocking get, with 1 error",
          errors.length,
          1
        ),
        check(
          `it says "an actor method may not block" and names the method`,
          [
            blocking.includes(
              "an actor method may not block on get or wait - yield* the ObjectRef instead"
            ),
            blocking.includes('BlockingGet<"quadruple">')
          ],
          [true, true]
        ),
        check(
          "it accepts yield* ref in its place, with 0 errors",
          yielding,
          ""
        )
      ]
    }
  }).pipe(Effect.provide(Compiler.layer))
}
