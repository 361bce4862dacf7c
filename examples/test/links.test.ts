import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { run, withoutDurations } from "./run.ts"

describe("links in a folder", () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "links-"))
    const write = async (name: string, content: string | Uint8Array) => {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), content)
    }
    await write(
      "site/README.md",
      `# The title

[page](sub/page.md#second-heading), [missing](nope.md), [no anchor](sub/page.md#nowhere)
[here](#the-title), [not here](#titel), ![image](image.png), ![no image](none.png)
[folder](sub/), [rooted](/sub/page.md), [rooted and missing](/nope), [mail](mailto:a@b.example)
[other site](https://example.invalid/), [undefined][reference], [empty](), [invalid](http://[)
[binary](binary.md), [anchor in binary](binary.md#x), [encoded](sub/with%20space.html#caf%C3%A9)
\`[code](nope.md)\` [defined][d] [line](image.png#L10)

    [code](nope.md)

[d]: undefined.md
`
    )
    await write(
      "site/sub/page.md",
      "# Page\n\nSecond heading\n---\n\n[up](../README.md) [gone](https://example.invalid/x)\n"
    )
    await write(
      "site/sub/with space.html",
      `<h1 id="café">x</h1><a href="../README.md#the-title">a</a>\n<img src=missing.gif>`
    )
    await write("site/image.png", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0))
    await write("site/binary.md", "abc\0def")
    await write("site/latin.md", Uint8Array.of(0x63, 0xe9))
    await write("site/node_modules/dependency.md", "[missing](nope.md)")
    await write("site/.hidden/page.md", "[missing](nope.md)")
    await write("good/a.md", "# A\n\n[b](b.html#part)\n")
    await write("good/b.html", `<a name="part" href="a.md#a">a</a>`)
    await write("empty/notes.txt", "[missing](nope.md)")
    // A circle of folders, and a page that leads nowhere.
    await symlink("..", join(folder, "site/sub/circle"))
    await symlink("nowhere.md", join(folder, "site/dangling.md"))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const links = async (...args: ReadonlyArray<string>) => {
    const { code, stdout, stderr } = await run("main.ts", ["links", ...args], { cwd: folder })
    assert.strictEqual(stderr, "")
    return { code, lines: withoutDurations(stdout).replaceAll(folder, "").trimEnd().split("\n") }
  }

  it("are reported by file and line where broken, and so is every file that is no text", async () => {
    assert.deepStrictEqual(await links("site"), {
      code: 1,
      lines: [
        "site/README.md:3  nope.md  no such file or folder",
        'site/README.md:3  sub/page.md#nowhere  no heading or id "nowhere" in that page',
        'site/README.md:4  #titel  no heading or id "titel" in that page',
        "site/README.md:4  none.png  no such file or folder",
        "site/README.md:5  /nope  no such file or folder",
        'site/README.md:6  ""  no target',
        "site/README.md:6  [reference]  the reference is not defined",
        "site/README.md:6  http://[  not a valid address",
        "site/README.md:7  binary.md#x  not text: byte 3 is 0",
        "site/README.md:12  undefined.md  no such file or folder",
        "site/sub/with space.html:2  missing.gif  no such file or folder",
        "site/binary.md  not text: byte 3 is 0",
        "site/dangling.md  no such file or folder",
        "site/latin.md  not text: the bytes are no UTF-8",
        "",
        "3 pages, 24 links, N.N s: 11 broken, 3 not readable.",
        "2 links to other sites not fetched (--external fetches them)."
      ]
    })
  })

  it("may all be well", async () => {
    assert.deepStrictEqual(await links("good"), { code: 0, lines: ["2 pages, 2 links, N.N s: nothing is broken."] })
  })

  it("are checked in every target, whatever is wrong with another", async () => {
    assert.deepStrictEqual(await links("nowhere", "empty", "good/a.md", "empty/notes.txt", "good/b.html"), {
      code: 1,
      lines: [
        "empty  holds no Markdown or HTML (.md, .markdown, .mdx, .html, .htm, .xhtml)",
        "empty/notes.txt  is not Markdown or HTML (.md, .markdown, .mdx, .html, .htm, .xhtml)",
        "nowhere  no such file or folder",
        "",
        "2 pages, 2 links, N.N s: 0 broken, 3 not readable."
      ]
    })
  })

  it("lead to the same report one at a time", async () => {
    assert.deepStrictEqual(await links("site", "--concurrency", "1"), await links("site"))
  })
})

describe("links on a site", () => {
  const servers = new Map<string, { readonly origin: string; readonly close: () => void }>()

  const serve = async (
    name: string,
    answer: (path: string, request: IncomingMessage, response: ServerResponse) => void
  ) => {
    const server = createServer((request, response) => answer(request.url!, request, response))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    servers.set(name, { origin, close: () => server.close().closeAllConnections() })
  }
  const origin = (name: string) => servers.get(name)!.origin

  beforeAll(async () => {
    await serve("other", (path, request, response) => {
      if (path === "/no-head" && request.method === "HEAD") response.writeHead(405).end()
      else
        response
          .writeHead(path === "/missing" ? 404 : 200, { "content-type": "text/html" })
          .end(`<a href="/missing">x</a>`)
    })
    await serve("gone", () => {})
    servers.get("gone")!.close()

    const pages: Record<string, string> = {
      "/": `<h1 id="top-of-page">Home</h1>
<a href="/guide#install">ok</a> <a href="guide#nowhere">no anchor</a> <a href="/missing.html">missing</a>
<a href="#top-of-page">ok</a> <a href="#bottom">no anchor</a> <img src="/logo.png"> <img src="/no-logo.png">
<a href="/old">moved</a> <a href="/away">moved away</a> <a href="/around">in circles</a> <a href="/notes.md#notes">notes</a>
<a href="${origin("other")}/">ok</a> <a href="${origin("other")}/missing">missing</a> <a href="${origin("other")}/no-head">ok</a>
<a href="${origin("gone")}/">gone</a> <a href="/slow">slow</a> <a href="/binary">binary</a> <a href="mailto:a@b.example">mail</a>`,
      "/guide": `<a id="install"></a><base href="/deep/er/"><a href="page">relative to base</a> <a href="/">home</a>`,
      "/deep/er/page": `<a href="../missing">up</a>`,
      "/new/home": `<a href="sibling">relative to where it moved</a>`
    }
    await serve("site", (path, request, response) => {
      const send = (status: number, type: string, body: string | Uint8Array = "") =>
        response.writeHead(status, { "content-type": type }).end(body)
      const page = pages[path]
      if (page !== undefined) send(200, "text/html; charset=utf-8", page)
      else if (path === "/notes.md") send(200, "text/plain", "# Notes\n\n[gone](gone.md)\n")
      else if (path === "/logo.png") send(200, "image/png")
      else if (path === "/binary") send(200, "text/html", Uint8Array.of(1, 0))
      else if (path === "/old") response.writeHead(301, { location: "/new/home" }).end()
      else if (path === "/away") response.writeHead(302, { location: `${origin("other")}/` }).end()
      else if (path === "/around") response.writeHead(302, { location: "/around" }).end()
      else if (path.startsWith("/endless/")) {
        const n = Number(path.slice("/endless/".length))
        send(200, "text/html", `<a href="/endless/${n + 1}">next</a>`)
      } else if (path !== "/slow") send(404, "text/html")
      else request.on("close", () => response.destroy())
    })
  })
  afterAll(() => {
    for (const server of servers.values()) server.close()
  })

  const links = async (...args: ReadonlyArray<string>) => {
    const { code, stdout, stderr } = await run("main.ts", ["links", ...args])
    assert.strictEqual(stderr, "")
    let output = withoutDurations(stdout)
    for (const [name, { origin }] of servers) output = output.replaceAll(origin, `http://${name}`)
    return { code, lines: output.trimEnd().split("\n") }
  }

  it("are followed within the site, and asked for outside of it", async () => {
    assert.deepStrictEqual(await links(`${origin("site")}/`, "--timeout", "2"), {
      code: 1,
      lines: [
        "http://site/:2  /missing.html  answered 404 Not Found",
        'http://site/:2  guide#nowhere  no heading or id "nowhere" in that page',
        'http://site/:3  #bottom  no heading or id "bottom" in that page',
        "http://site/:3  /no-logo.png  answered 404 Not Found",
        "http://site/:4  /around  redirect count exceeded",
        "http://site/:5  http://other/missing  answered 404 Not Found",
        "http://site/:6  /binary  not text: byte 1 is 0",
        "http://site/:6  /slow  no answer in time",
        "http://site/:6  http://gone/  connection refused",
        "http://site/deep/er/page:1  ../missing  answered 404 Not Found",
        "http://site/new/home:1  sibling  answered 404 Not Found",
        "http://site/notes.md:3  gone.md  answered 404 Not Found",
        "",
        "5 pages, 23 links, N.N s: 12 broken."
      ]
    })
  })

  it("to other sites can be left alone", async () => {
    const { lines } = await links(`${origin("site")}/guide`, "--no-external", "--timeout", "2")
    assert.include(lines, "4 links to other sites not fetched (--external fetches them).")
    assert.notInclude(lines.join("\n"), "http://other")
  })

  it("are not followed for ever", async () => {
    assert.deepStrictEqual(await links(`${origin("site")}/endless/1`, "--max-pages", "5"), {
      code: 0,
      lines: ["5 pages, 5 links, N.N s: nothing is broken.", "There are more than 5 pages; --max-pages reads more."]
    })
  })

  it("are checked on every site, reachable or not", async () => {
    assert.deepStrictEqual(await links(origin("gone"), `${origin("site")}/endless/1`, "http://[", "--max-pages", "3"), {
      code: 1,
      lines: [
        "http://gone/  connection refused",
        "http://[  not a valid address",
        "",
        "2 pages, 2 links, N.N s: 0 broken, 2 not readable.",
        "There are more than 3 pages; --max-pages reads more."
      ]
    })
  })
})
