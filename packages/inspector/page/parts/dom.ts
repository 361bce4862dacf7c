/** Makes elements, and makes existing ones look like new ones. */
import { safe } from "../../src/internal/base/shown.ts"

/** Texts are cut to this length: a key, or the message of an error, may be as long as a book. */
const MOST_OF_A_TEXT = 5000

type Child = Node | string | number | undefined | false | null | ReadonlyArray<Child>
type Attributes = Readonly<Record<string, string | number | boolean | undefined | Readonly<Record<string, string>>>>

const SVG = new Set(["svg", "path", "g", "line", "rect", "circle", "text", "defs", "marker", "title", "polygon"])

/** `h("div.card", { title: "x" }, ...)`. Text stays text: nothing that a program says is ever parsed as HTML. */
export const h = (tag: string, attributes?: Attributes, ...children: ReadonlyArray<Child>): HTMLElement => {
  const [name, ...classes] = tag.split(".")
  const element = (
    SVG.has(name!) ? document.createElementNS("http://www.w3.org/2000/svg", name!) : document.createElement(name!)
  ) as HTMLElement
  if (classes.length > 0) element.setAttribute("class", classes.join(" "))
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue
    // Not as an attribute: the page's security policy forbids those for styles.
    if (typeof value === "object") for (const name in value) element.style.setProperty(name, value[name]!)
    else element.setAttribute(key, value === true ? "" : key.startsWith("data-") ? String(value) : textOf(value))
  }
  append(element, children)
  return element
}

/** Text of a program stays in its place, and cannot reverse the direction of the text around it. */
const textOf = (value: unknown): string => safe(String(value).slice(0, MOST_OF_A_TEXT))

const append = (element: HTMLElement, children: ReadonlyArray<Child>): void => {
  for (const child of children) {
    if (child === undefined || child === false || child === null) continue
    if (Array.isArray(child)) append(element, child)
    else element.append(child instanceof Node ? child : textOf(child))
  }
}

/** Turns `from` into `to` with few changes, so that focus, selection and scrolling stay. */
export const morph = (from: Element, to: Element): void => {
  for (const { name } of [...from.attributes]) {
    if (!isOwn(from, name) && !to.hasAttribute(name)) from.removeAttribute(name)
  }
  for (const { name, value } of to.attributes) {
    if (name !== "style" && from.getAttribute(name) !== value) from.setAttribute(name, value)
  }
  const style = (to as HTMLElement).style?.cssText ?? ""
  if (((from as HTMLElement).style?.cssText ?? "") !== style) (from as HTMLElement).style.cssText = style
  morphChildren(from, to)
}

/** What the page does not decide: styles are compared below, and readers open details. */
const isOwn = (element: Element, attribute: string): boolean =>
  attribute === "style" || (attribute === "open" && element.localName === "details")

/** Elements with a key stay themselves wherever they are wanted: details that are open, and the focus. */
const morphChildren = (from: Element, to: Element): void => {
  const wanted = [...to.childNodes]
  const known = new Map([...from.childNodes].map((node) => [keyOf(node), node]))
  const wantedKeys = new Set(wanted.map(keyOf))
  for (let i = 0; i < wanted.length; i++) {
    const want = wanted[i]!
    const key = keyOf(want)
    const same = key === null ? undefined : known.get(key)
    const next: ChildNode | undefined = from.childNodes[i]
    const have = same?.parentNode === from && same.nodeName === want.nodeName ? same : next
    if (have === undefined) from.append(want)
    else if (have.nodeType !== want.nodeType || have.nodeName !== want.nodeName || keyOf(have) !== key) {
      // What is wanted further down stays.
      if (keyOf(have) !== null && wantedKeys.has(keyOf(have))) from.insertBefore(want, have)
      else have.replaceWith(want)
    } else {
      if (have !== next) from.insertBefore(have, next ?? null)
      if (want instanceof Element) morph(have as Element, want)
      else if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue
    }
  }
  while (from.childNodes.length > wanted.length) from.lastChild!.remove()
}

const keyOf = (node: Node): string | null => (node instanceof Element ? node.getAttribute("data-key") : null)

/** Replaces the content of an element. */
export const show = (element: Element, ...children: ReadonlyArray<Child>): void => {
  const to = element.cloneNode(false) as HTMLElement
  append(to, children)
  morphChildren(element, to)
}

/** Assigning the same text again would make a screen reader say it again. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

export const byId = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E
