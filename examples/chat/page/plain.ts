/** The chat as a page in plain TypeScript: Effects follow the room, and functions write what they learn into the page. */
import * as Broadcast from "@troupe/core/Broadcast"
import type * as RemoteHome from "@troupe/remote/RemoteHome"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Message, Room, type Said } from "../Room.ts"
import { fromOf, hueOf, initialOf, type Line, linesOf, stateOf } from "./lines.ts"
import { added, connection, type Handle, persistently, runtime, stay } from "./room.ts"

const find = <E extends Element>(selector: string) => document.querySelector<E>(selector)!

// --- following a room ------------------------------------------------------------------------------------------------

const people = (room: Handle) =>
  Stream.runForEach(Stream.filter(room.people(), Broadcast.isItem), (names) => Effect.sync(() => showPeople(names)))

/** Keeps a copy of what was said. Wherever messages may be missing, it loads the history anew. */
const messages = (room: Handle, show: (copy: ReadonlyArray<Said>) => void) =>
  Effect.gen(function* () {
    let copy = yield* room.history()
    show(copy)
    yield* Stream.runForEach(
      room.messages(),
      Effect.fnUntraced(function* (read) {
        copy = added(copy, read) ?? (yield* room.history())
        show(copy)
      })
    )
  })

const visit = Effect.fnUntraced(function* (name: string, who: string) {
  const room = yield* Room.get(name)
  let said: ReadonlyArray<Said> = []
  let unsent: ReadonlyArray<Message> = []
  const show = () => showLines(linesOf(said, unsent, who))

  onSubmit(".say", (form, words) => {
    const message = { id: crypto.randomUUID(), who, words: String(words.get("words")) }
    unsent = [...unsent, message]
    form.reset()
    show()
    // Sent until there is an answer: the room has each id once.
    runtime.runFork(persistently(room.say(message)))
  })
  const follow = messages(room, (copy) => {
    said = copy
    unsent = unsent.filter(({ id }) => !copy.some((message) => message.id === id))
    show()
  })
  yield* Effect.all([stay(room, who), persistently(people(room)), persistently(follow)], {
    concurrency: "unbounded"
  })
})

// --- the page --------------------------------------------------------------------------------------------------------

const element = (tag: string, text: string) => {
  const made = document.createElement(tag)
  // As text, never as HTML: any visitor may have written it.
  made.textContent = text
  return made
}

const named = (item: HTMLElement, who: string) => {
  item.style.setProperty("--hue", String(hueOf(who)))
  item.dataset.initial = initialOf(who)
  return item
}

const showPeople = (names: ReadonlyArray<string>) => {
  find(".people").replaceChildren(...names.map((who) => named(element("li", who), who)))
}

const showState = (connection: RemoteHome.Connection) => {
  const state = find(".state")
  state.textContent = stateOf(connection)
  state.classList.toggle("here", connection._tag === "Connected")
}

/** The items of the list, by the ids of their messages: what has not changed stays as it is. */
const items = new Map<string, HTMLElement>()

const showLines = (lines: ReadonlyArray<Line>) => {
  const list = find(".said")
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80
  for (const line of lines) {
    const item = items.get(line.id) ?? named(document.createElement("li"), line.who)
    items.set(line.id, item)
    show(item, line)
  }
  const shown = lines.map(({ id }) => items.get(id)!)
  for (const item of [...list.children] as Array<HTMLElement>) if (!shown.includes(item)) item.remove()
  shown.forEach((item, i) => {
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null)
  })
  if (isAtEnd) list.scrollTop = list.scrollHeight
}

const show = (item: HTMLElement, line: Line) => {
  item.classList.toggle("mine", line.isMine)
  item.classList.toggle("more", line.isMore)
  item.classList.toggle("unsent", line.at === undefined)
  if (item.dataset.at === String(line.at)) return
  item.dataset.at = String(line.at)
  item.replaceChildren(element("small", fromOf(line)), element("p", line.words))
}

const onSubmit = (selector: string, action: (form: HTMLFormElement, data: FormData) => void) => {
  const form = find<HTMLFormElement>(selector)
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault()
    action(form, new FormData(form))
  })
}

onSubmit(".enter", (form, data) => {
  const name = String(data.get("room"))
  form.hidden = true
  find<HTMLElement>(".room").hidden = false
  find(".room h1").textContent = name
  document.title = `${name} - Chat`
  runtime.runFork(Stream.runForEach(connection, (state) => Effect.sync(() => showState(state))))
  runtime.runFork(visit(name, String(data.get("who"))))
  find<HTMLInputElement>(".say input").focus()
})
