/** The chat as a page in React. */
import { QueryClientProvider } from "@tanstack/react-query"
import { type CSSProperties, StrictMode, Suspense, useLayoutEffect, useRef, useState } from "react"
import { createRoot } from "react-dom/client"
import { Room } from "../Room.ts"
import { fromOf, hueOf, initialOf, type Line, linesOf, stateOf } from "./lines.ts"
import { queryClient, useConnection, usePeople, useSaid, useSay, useStay, useUnsent } from "./query.ts"
import { type Handle, runtime } from "./room.ts"

interface Visit {
  readonly name: string
  readonly who: string
}

const NAME = { required: true, maxLength: 30, pattern: "[\\p{L}\\p{N} _\\-]+" }

const Enter = ({ onEnter }: { readonly onEnter: (visit: Visit) => void }) => (
  <form
    className="enter"
    action={(data: FormData) => onEnter({ name: String(data.get("room")), who: String(data.get("who")) })}
  >
    <h1>Chat</h1>
    <label>
      Your name <input name="who" autoComplete="nickname" {...NAME} />
    </label>
    <label>
      Room <input name="room" defaultValue="kitchen" {...NAME} />
    </label>
    <button type="submit">Enter</button>
    <p className="other">
      In React. <a href="/">The same in plain TypeScript</a>
    </p>
  </form>
)

/** Does not suspend, so that the visitor stays in the room while the history is loaded. */
const RoomView = ({ name, who }: Visit) => {
  const [room] = useState(() => runtime.runSync(Room.get(name)))
  useStay(room, who)
  const connection = useConnection()
  return (
    <main className="room">
      <title>{`${name} - Chat`}</title>
      <header>
        <h1>{name}</h1>
        <p className={connection._tag === "Connected" ? "state here" : "state"} role="status">
          {stateOf(connection)}
        </p>
      </header>
      <People room={room} />
      <Suspense fallback={<ol className="said" />}>
        <Messages room={room} name={name} who={who} />
      </Suspense>
      <Say room={room} name={name} who={who} />
    </main>
  )
}

interface InRoom extends Visit {
  readonly room: Handle
}

/** What the style sheet makes of a name: its first letter, in its colour. */
const face = (who: string) => ({
  "data-initial": initialOf(who),
  style: { "--hue": hueOf(who) } as CSSProperties
})

const People = ({ room }: Pick<InRoom, "room">) => (
  <ul className="people" aria-label="People">
    {usePeople(room).map((who) => (
      <li key={who} {...face(who)}>
        {who}
      </li>
    ))}
  </ul>
)

const Messages = ({ name, room, who }: InRoom) => {
  const lines = linesOf(useSaid(room, name), useUnsent(name), who)
  const list = useRef<HTMLOListElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    if (isAtEnd.current) list.current?.scrollTo(0, list.current.scrollHeight)
  })
  return (
    <ol
      className="said"
      aria-live="polite"
      ref={list}
      onScroll={({ currentTarget: { clientHeight, scrollHeight, scrollTop } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 80
      }}
    >
      {lines.map((line) => (
        <Item key={line.id} {...line} />
      ))}
    </ol>
  )
}

const Item = (line: Line) => {
  const { at, isMine, isMore, who, words } = line
  const classes = [isMine && "mine", isMore && "more", at === undefined && "unsent"]
  return (
    <li className={classes.filter(Boolean).join(" ")} {...face(who)}>
      <small>{fromOf(line)}</small>
      <p>{words}</p>
    </li>
  )
}

const focus = (input: HTMLInputElement | null) => input?.focus()

const Say = ({ name, room, who }: InRoom) => {
  const { mutate } = useSay(room, name)
  return (
    <form
      className="say"
      action={(data: FormData) => mutate({ id: crypto.randomUUID(), who, words: String(data.get("words")) })}
    >
      <input
        name="words"
        required
        maxLength={2000}
        autoComplete="off"
        aria-label="Message"
        placeholder="Say something"
        ref={focus}
      />
      <button type="submit">Send</button>
    </form>
  )
}

const App = () => {
  const [visit, setVisit] = useState<Visit>()
  return visit === undefined ? <Enter onEnter={setVisit} /> : <RoomView {...visit} />
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>
  </StrictMode>
)
