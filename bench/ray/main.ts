/**
 * Ray and Troupe side by side: `PYTHON=path/to/python node --conditions=@troupe/source bench/ray/main.ts`.
 *
 * It needs a Python that can import `ray`; without one it says so and ends well.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Figures, type Name, type Plan, run } from "./workloads.ts"

const plan: Plan = { sizes: { oneByOne: 1000, inFlight: 1000, wait: 1000, create: 10 }, rounds: 5 }

const titles: Readonly<Record<Name, string>> = {
  oneByOne: "async actor calls, one by one",
  inFlight: "async actor calls, 1000 in flight",
  wait: "wait over 1000 refs, one at a time",
  create: "new actors, until each has answered"
}

/** Starting Ray and its workers takes long on a small machine. */
const PATIENCE_MS = 10 * 60_000

interface Answer {
  readonly ray: string
  readonly python: string
  readonly microseconds: Figures
}

const python = process.env.PYTHON ?? "python3"
const script = fileURLToPath(new URL("main.py", import.meta.url))

/** The figures of Ray, or why there are none. */
const runRay = (): Promise<Answer | string> =>
  new Promise((resolve, reject) => {
    execFile(python, [script, JSON.stringify(plan)], { timeout: PATIENCE_MS }, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") return resolve(`there is no ${python}`)
      if (error) return reject(new Error(`${python} ${script} failed\n${stderr}`))
      const answer = JSON.parse(stdout.trim().split("\n").at(-1)!)
      resolve(answer.missing === undefined ? answer : `${python} cannot import ${answer.missing}`)
    })
  })

const number = (value: number): string => value.toLocaleString("en-US", { maximumSignificantDigits: 3 })

const print = (cells: ReadonlyArray<string>): void => {
  const [title = "", ...rest] = cells
  console.log(title.padEnd(38) + rest.map((cell) => cell.padStart(14)).join(""))
}

const report = (ray: Figures, troupe: Figures): void => {
  print(["microseconds per operation", "Ray", "Troupe", "Ray / Troupe"])
  for (const name of Object.keys(titles) as Array<Name>) {
    print([titles[name], number(ray[name]), number(troupe[name]), number(ray[name] / troupe[name])])
  }
}

const answer = await runRay()
if (typeof answer === "string") {
  console.log(`Skipped: ${answer}. Install it (pip install ray), or set PYTHON to an interpreter that has it.`)
} else {
  // Not at the same time: each has the machine for itself.
  const troupe = await run(plan)
  console.log(`Ray ${answer.ray} on Python ${answer.python}; Troupe on Node ${process.version}`)
  console.log(`median of ${plan.rounds} rounds after one of warm-up, every answer verified\n`)
  report(answer.microseconds, troupe)
  console.log(`
The two do not do the same. Ray's actors are processes: each call is serialized, crosses to another process and back, and
could cross to another machine. Troupe's actors are objects of this process: a call crosses nothing, and there is no
second core to gain. The ratio is what a crossing costs, or what you save without it. It does not say who is faster.`)
}
