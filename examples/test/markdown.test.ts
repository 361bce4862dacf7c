import { assert, describe, it } from "@effect/vitest"
import { parseMarkdown } from "../links/markdown.ts"

const targets = (text: string) => parseMarkdown(text).links.map((link) => `${link.line} ${link.target}`)
const anchors = (text: string) => [...parseMarkdown(text).anchors]

describe("links in Markdown", () => {
  it("are inline links and images, with titles, brackets and parentheses", () => {
    assert.deepStrictEqual(
      targets(`[a](a.md) ![b](b.png "a title")
[c [nested] text](<c d.md>) [d](d_(1).md)
[wrapped
text](e.md 'title') and [f](f\\).md) and [g](?a=1&amp;b=2)`),
      ["1 a.md", "1 b.png", "2 c d.md", "2 d_(1).md", "4 e.md", "4 f).md", "4 ?a=1&b=2"]
    )
  })

  it("are badges: an image inside a link", () => {
    assert.deepStrictEqual(parseMarkdown("[![build](badge.svg)](ci.md)").links, [
      { target: "badge.svg", line: 1, kind: "asset", problem: undefined },
      { target: "ci.md", line: 1, kind: "page", problem: undefined }
    ])
  })

  it("are the targets of definitions, whether used or not", () => {
    assert.deepStrictEqual(
      targets(`[one][a], [A][], [a] and ![image][b]

[a]: one.md "title"
[b]: <two words.png>
> [c]: three.md`),
      ["3 one.md", "4 two words.png", "5 three.md"]
    )
  })

  it("are broken where a reference has no definition", () => {
    assert.deepStrictEqual(parseMarkdown("see [the text][nowhere]").links, [
      { target: "[nowhere]", line: 1, kind: "page", problem: "the reference is not defined" }
    ])
  })

  it("are not text in brackets, tasks, footnotes or indexes", () => {
    assert.deepStrictEqual(
      targets(`- [ ] open
- [x] done, see [note] and [^1] and xs[i][j] and [a]() [](b.md)

[^1]: a footnote with [a link](c.md)`),
      ["2 ", "2 b.md", "4 c.md"]
    )
  })

  it("are autolinks and bare URLs, without the punctuation after them", () => {
    assert.deepStrictEqual(
      targets(`<https://a.example/x> (see https://b.example/y_(z)). <someone@example.com>
https://c.example/?q=1, [https://d.example](https://d.example/real)`),
      ["1 https://a.example/x", "1 https://b.example/y_(z)", "2 https://c.example/?q=1", "2 https://d.example/real"]
    )
  })

  it("are HTML tags", () => {
    assert.deepStrictEqual(
      targets(`<p align="center">
  <a href="a.md"><img
    src="b.png" alt="[no](link)"></a>
</p>`),
      ["2 a.md", "3 b.png"]
    )
  })

  it("are not in code, comments or front matter", () => {
    assert.deepStrictEqual(
      targets(`---
link: "[a](front.md)"
---
\`[a](b.md)\` and \`\` [a](b.md) \` [a](b.md) \`\` and \`across
lines [a](b.md)\` but \` [yes](1.md)

<!-- [a](b.md)
[a](b.md) --> [yes](2.md) \\\`[yes](3.md)\\\`

\`\`\`ts
[a](b.md)
\`\`\`\`
[yes](4.md)

    [a](indented.md)

    [a](indented.md)

- item

  ~~~
  \`\`\`
  [a](b.md)
  ~~~
  [yes](5.md)

      [a](indented.md)

    [yes](6.md)

> \`\`\`
> [a](b.md)

[yes](7.md)
\`\`\`
[a](to the end.md)`),
      ["5 1.md", "8 2.md", "8 3.md", "13 4.md", "25 5.md", "29 6.md", "34 7.md"]
    )
  })

  it("are found in linear time", () => {
    const hostile = [
      "[",
      "![",
      "]",
      "[[a](b)",
      "[a](",
      '[a](b "',
      "<a ",
      "<!-- ",
      "` ``",
      "https://a)",
      "> ",
      "- ",
      "[a]["
    ].map((part) => part.repeat(20_000))
    hostile.push(
      "[".repeat(20_000) + "]".repeat(20_000),
      "![".repeat(20_000) + "[a](b)".repeat(20_000),
      `https://a${")".repeat(50_000)}`
    )
    for (const text of hostile) {
      const started = performance.now()
      parseMarkdown(text)
      assert.isBelow(performance.now() - started, 1000, text.slice(0, 20))
    }
  })
})

describe("anchors in Markdown", () => {
  it("are slugs of headings, numbered where they repeat", () => {
    assert.deepStrictEqual(
      anchors(`# Getting started
## \`ObjectRef.get(refs)\` & friends
## Usage
## Usage ##
## Usage-1
Underlined _text_
===
## 🚀 Über [the link](x.md) ![icon](i.png)snake_case
> ### Quoted
#no heading
| a | b |
|---|---|
\`\`\`
# code
\`\`\``),
      [
        "getting-started",
        "objectrefgetrefs--friends",
        "usage",
        "usage-1",
        "usage-1-1",
        "underlined-text",
        "-über-the-link-snake_case",
        "quoted"
      ]
    )
  })

  it("are ids and names of HTML tags", () => {
    assert.deepStrictEqual(anchors(`<a name="one"></a> <div id='two'> \`<a id="three">\``), ["one", "two"])
  })
})
