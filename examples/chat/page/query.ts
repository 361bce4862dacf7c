/** Rooms for React: what TanStack Query loads and sends, and subscriptions that keep what it has loaded up to date. */
import {
  QueryClient,
  queryOptions,
  useMutation,
  useMutationState,
  useQueryClient,
  useSuspenseQuery
} from "@tanstack/react-query"
import * as Broadcast from "@troupe/core/Broadcast"
import type * as RemoteHome from "@troupe/remote/RemoteHome"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { useEffect, useEffectEvent, useState } from "react"
import type { Message, Room, Said } from "../Room.ts"
import { added, connection, type Handle, persistently, runtime, stay } from "./room.ts"

/** Subscriptions say when something is out of date, and the client of the actors knows when there is no connection. */
const untilItIsThere = { networkMode: "always", retry: true, retryDelay: 500, staleTime: Infinity } as const

export const queryClient = new QueryClient({
  defaultOptions: { queries: untilItIsThere, mutations: { networkMode: "always" } }
})

/** Runs while the component is mounted. */
const useEffectOf = <A, E>(effect: Effect.Effect<A, E, Room>, dependencies: ReadonlyArray<unknown>) =>
  useEffect(() => {
    const fiber = runtime.runFork(effect)
    return () => void Effect.runFork(Fiber.interrupt(fiber))
    // biome-ignore lint/correctness/useExhaustiveDependencies: the effect is made anew each time
  }, dependencies)

/** Takes what is read, one after the other, while the component is mounted. A promise is waited for. */
export const useSubscription = <A>(
  subscription: Broadcast.Subscription<A>,
  take: (read: A | Broadcast.Resync) => unknown
) => {
  const latest = useEffectEvent(take)
  const read = Stream.runForEach(subscription(), (read) => Effect.promise(async () => latest(read)))
  useEffectOf(persistently(read), [subscription])
}

/** The visitor is in the room while the component is mounted. */
export const useStay = (room: Handle, who: string): void => useEffectOf(stay(room, who), [room, who])

export const useConnection = (): RemoteHome.Connection => {
  const [state, setState] = useState<RemoteHome.Connection>({ _tag: "Connecting" })
  useEffectOf(
    Stream.runForEach(connection, (state) => Effect.sync(() => setState(state))),
    []
  )
  return state
}

export const usePeople = (room: Handle): ReadonlyArray<string> => {
  const [people, setPeople] = useState<ReadonlyArray<string>>([])
  useSubscription(room.people, (read) => {
    if (Broadcast.isItem(read)) setPeople(read)
  })
  return people
}

const historyOf = (room: Handle, name: string) =>
  queryOptions({ queryKey: ["history", name], queryFn: ({ signal }) => runtime.runPromise(room.history(), { signal }) })

/** The history, with what is said. Wherever messages may be missing it is loaded anew, while later ones wait. */
export const useSaid = (room: Handle, name: string): ReadonlyArray<Said> => {
  const client = useQueryClient()
  const history = historyOf(room, name)
  const { data } = useSuspenseQuery(history)
  useSubscription(room.messages, async (read) => {
    const copy = added(client.getQueryData(history.queryKey) ?? [], read)
    if (copy === undefined) await client.refetchQueries(history)
    else client.setQueryData(history.queryKey, copy)
  })
  return data
}

/** Sends a message until there is an answer: the room has each id once. */
export const useSay = (room: Handle, name: string) =>
  useMutation({
    mutationKey: ["say", name],
    mutationFn: (message: Message) => runtime.runPromise(persistently(room.say(message)))
  })

export const useUnsent = (name: string): ReadonlyArray<Message> =>
  useMutationState({
    filters: { mutationKey: ["say", name], status: "pending" },
    select: ({ state }) => state.variables as Message
  })
