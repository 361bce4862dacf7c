const byId = (id) => document.getElementById(id)
const [enter, room, said, say, state] = ["enter", "room", "said", "say", "state"].map(byId)
const words = say.elements.words
const send = say.querySelector("button")

let socket
let delay = 500

const join = (who, name) => {
  const query = new URLSearchParams({ who, room: name })
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket?${query}`)
  socket.onopen = () => {
    delay = 500
    // The room replays its messages.
    said.replaceChildren()
    state.textContent = ""
    send.disabled = false
  }
  socket.onmessage = ({ data }) => show(who, JSON.parse(data))
  socket.onclose = () => {
    send.disabled = true
    state.textContent = "The connection is lost. Trying again…"
    setTimeout(join, delay, who, name)
    delay = Math.min(delay * 2, 10_000)
  }
}

const show = (me, event) => {
  if (event.type === "people") {
    byId("people").textContent = event.people.join(", ")
    return
  }
  const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 40
  const item = document.createElement("li")
  item.classList.toggle("mine", event.who === me)
  const from = document.createElement("small")
  const time = new Date(event.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
  from.textContent = `${event.who} · ${time}`
  // As text, never as HTML: any visitor may have written it.
  item.append(from, event.words)
  said.append(item)
  if (atEnd) said.scrollTop = said.scrollHeight
}

enter.addEventListener("submit", (submitted) => {
  submitted.preventDefault()
  const who = enter.elements.who.value
  const name = enter.elements.room.value
  enter.hidden = true
  room.hidden = false
  room.querySelector("h1").textContent = name
  document.title = `${name} - Chat`
  send.disabled = true
  join(who, name)
  words.focus()
})

say.addEventListener("submit", (submitted) => {
  submitted.preventDefault()
  if (socket.readyState !== WebSocket.OPEN) return
  socket.send(JSON.stringify({ words: words.value }))
  words.value = ""
})
