/** Light, dark, or the theme of the system. */
import { byId } from "./parts/dom.ts"

const KEY = "troupe-theme"
const themes = ["auto", "light", "dark"] as const
type Theme = (typeof themes)[number]

const present = (): Theme => themes.find((theme) => theme === localStorage.getItem(KEY)) ?? "auto"

const apply = (theme: Theme): void => {
  if (theme === "auto") document.documentElement.removeAttribute("data-theme")
  else document.documentElement.setAttribute("data-theme", theme)
  const button = byId("theme")
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme]
  button.setAttribute("aria-label", `Theme: ${theme === "auto" ? "system" : theme}`)
}

export const startTheme = (): void => apply(present())

export const cycleTheme = (): void => {
  const next = themes[(themes.indexOf(present()) + 1) % themes.length]!
  localStorage.setItem(KEY, next)
  apply(next)
}
