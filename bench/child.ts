/**
 * A child process per contender, so that neither heap nor compiled code of one weighs on another. The children live
 * through the whole row and are asked in turns, so the contenders are still interleaved.
 *
 * A row file exports its `probe`; `childMain.ts` answers each message with what the probe measured.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Contender } from "./contenders/contender.ts"
import type { Options } from "./harness.ts"

export interface Child<Question, Answer> {
  readonly name: string
  readonly ask: (question: Question) => Promise<Answer>
  readonly stop: () => void
}

/** What a row file exports as `probe`, to be run in the child. */
export type Probe<Question, Answer> = (contender: Contender, question: Question) => Promise<Answer>

const program = fileURLToPath(new URL("childMain.ts", import.meta.url))

/** Room for a million waiting calls of the heaviest contender. */
const HEAP = "--max-old-space-size=6000"

export const startChild = <Question, Answer>(row: string, contender: string): Child<Question, Answer> => {
  const child = fork(program, [row, contender], { execArgv: [...process.execArgv, HEAP] })
  return {
    name: contender,
    ask: (question) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error(`the child process of ${contender} ended`))
        child.once("exit", onExit)
        child.once("message", (answer) => {
          child.off("exit", onExit)
          resolve(answer as Answer)
        })
        child.send({ question })
      }),
    stop: () => child.kill()
  }
}

/** Asks every child in turn, round by round; gives the answers by contender. */
export const inTurns = async <Question, Answer>(
  children: ReadonlyArray<Child<Question, Answer>>,
  question: (name: string) => Question,
  what: string,
  { rounds, progress }: Options
): Promise<ReadonlyMap<string, ReadonlyArray<Answer>>> => {
  const answers = new Map(children.map(({ name }) => [name, [] as Array<Answer>]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, ask } of children) {
      progress(`${what}, round ${round + 1} of ${rounds}: ${name}`)
      answers.get(name)!.push(await ask(question(name)))
    }
  }
  return answers
}
