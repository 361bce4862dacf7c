/**
 * The prefix for the names of tables, as users give it.
 */
import { checkOptions, show } from "@troupe/core/Home"

export const prefixOf = (subject: string, options: { readonly prefix: string }): string => {
  checkOptions(subject, options, { prefix: true })
  const { prefix } = options
  if (typeof prefix === "string" && prefix !== "") return prefix
  throw new TypeError(`${subject}: prefix must be a string that is not empty, but is ${show(prefix)}`)
}
