// Where the repository is, as its packages say it: in their package.json and in the links of their READMEs. No file of
// the repository says it, so that a clone which releases from another place says that one.
import path from "node:path"
import type { Manifest } from "./packages.ts"

/** A repository on a host that everybody can reach. */
export interface Address {
  /** The page of the repository: `https://github.com/owner/repository`. */
  readonly web: string
  /** What stands between that page and a version of a file, for pages and for plain files. */
  readonly page: string
  readonly raw: string
}

/** npm takes the proof where a package comes from (provenance) from these two, and from nobody else. */
const hosts: Readonly<Record<string, Omit<Address, "web">>> = {
  "github.com": { page: "blob", raw: "raw" },
  "gitlab.com": { page: "-/blob", raw: "-/raw" }
}

/** `https://host/path`, `ssh://git@host/path` and `git@host:path`. What stands before the `@` may be a secret. */
const forms = [
  /^https:\/\/(?:[^@/]*@)?(?<host>[^/:@]+)\/(?<where>.+)$/,
  /^ssh:\/\/(?:[^@/]*@)?(?<host>[^/:@]+)(?::\d+)?\/(?<where>.+)$/,
  /^[^@/:]+@(?<host>[^/:@]+):(?<where>[^/].*)$/
]

/** The address that a remote of git stands for, or a sentence that says why there is none. */
export const addressOf = (remote: string | undefined): Address | string => {
  const known = Object.keys(hosts).join(" or ")
  if (remote === undefined || remote === "") {
    return `this clone has no remote "origin", so nobody can say where the packages come from: git remote add origin <the address of the repository on ${known}>`
  }
  const match = forms.map((form) => form.exec(remote)).find((found) => found !== null)
  const host = match?.groups?.host?.toLowerCase() ?? ""
  const where = (match?.groups?.where ?? "").replace(/\/+$/, "").replace(/\.git$/, "")
  if (host === "" || !/^[\w.-]+(\/[\w.-]+)+$/.test(where)) {
    return `the remote "origin" is not an address that others can reach, like https://github.com/owner/repository.git or git@github.com:owner/repository.git`
  }
  const layout = hosts[host]
  if (layout === undefined) {
    return `the remote "origin" is on ${host}, and npm can say where a package comes from only for ${known}`
  }
  return { ...layout, web: `https://${host}/${where}` }
}

/** A package of a repository, in one version. */
export interface Place {
  readonly address: Address
  /** The folder of the package, as seen from the top of the repository: `packages/core`. */
  readonly directory: string
  readonly version: string
}

/** A `package.json` that says where the package comes from. */
export const withAddress = (manifest: Manifest, { address, directory }: Place) => ({
  ...manifest,
  // HEAD is the main branch, whatever its name.
  homepage: `${address.web}/${address.page.replace("blob", "tree")}/HEAD/${directory}#readme`,
  bugs: { url: `${address.web}/issues` },
  repository: { type: "git", url: `git+${address.web}.git`, directory }
})

// --- READMEs ---------------------------------------------------------------------------------------------------------

/** Blocks and spans of code, which are to stay as they are, or else a link or an image with its text and its target. */
const codeOrLink =
  /^(`{3,}|~{3,})[\s\S]*?^\1|(`+)(?!`)[\s\S]*?[^`]\2(?!`)|(!?)\[((?:[^\][]|\[[^\][]*\])*)\]\(([^()\s]+)\)/gm

export const isRelative = (target: string): boolean => !/^([a-z][a-z\d+.-]*:|\/\/|#)/i.test(target)

/** The note of a README that is wrong as soon as it is read on npm. */
const notYet = /^> Not on npm yet[\s\S]*?\n\n/m

/**
 * A README as its package has it. In the repository its links are relative, which leads nowhere from a package: here
 * they are absolute, to the files of the same version. As long as there is no address, only their words are left; a
 * link to a file of the package itself stays.
 */
export const packedReadme = (markdown: string, directory: string, place: Place | undefined): string => {
  const text = place === undefined ? markdown : markdown.replace(notYet, "")
  return text.replaceAll(codeOrLink, (whole, _fence, _span, mark: string, words: string, target: string) => {
    if (target === undefined) return whole
    const inner = packedReadme(words, directory, place)
    if (!isRelative(target)) return `${mark}[${inner}](${target})`
    const [file = "", anchor] = target.split("#")
    const fromTop = path.posix.join(directory, file)
    const to = anchor === undefined ? "" : `#${anchor}`
    if (place !== undefined) {
      const { address, version } = place
      return `${mark}[${inner}](${address.web}/${mark === "!" ? address.raw : address.page}/v${version}/${fromTop}${to})`
    }
    return fromTop.startsWith(`${directory}/`) ? whole : inner
  })
}
