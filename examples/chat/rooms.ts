/** What pages may call, and how much of it. */
import { RemoteHome } from "@troupe/remote"
import { Room } from "./Room.ts"

export const rooms = RemoteHome.serve(Room, {
  expose: ["stay", "say", "history", "messages", "people"],
  limits: { messageBytes: 16_384, calls: 20, streams: 5, subscriptions: 10 }
})
