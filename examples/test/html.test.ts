import { assert, describe, it } from "@effect/vitest"
import { parseHtml } from "../links/html.ts"

describe("an HTML page", () => {
  it("has links in attributes, quoted or not", () => {
    const { links } = parseHtml(`<!doctype html>
<link rel=stylesheet href=style.css><link rel="preconnect" href="https://fonts.example">
<a class="x"
   href='a.html?x=1&amp;y=2#part'>A</a> <A HREF=b.html>B</A>
<img src="i.png" srcset="i.png 1x, i@2x.png 2x">
<a title="a > b" href="c.html">C</a> 1 < 2 <iframe src="d.html"></iframe>`)
    assert.deepStrictEqual(
      links.map((link) => `${link.line} ${link.kind} ${link.target}`),
      [
        "2 asset style.css",
        "4 page a.html?x=1&y=2#part",
        "4 page b.html",
        "5 asset i.png",
        "5 asset i.png",
        "5 asset i@2x.png",
        "6 page c.html",
        "6 page d.html"
      ]
    )
  })

  it("has anchors: ids, and names of a", () => {
    const { anchors } = parseHtml(`<h1 id=top>T</h1><a name="old">x</a><input name="field"><a name="a&amp;b">`)
    assert.deepStrictEqual([...anchors], ["top", "old", "a&b"])
  })

  it("has no links in comments, scripts and titles", () => {
    const { links } = parseHtml(`<title><a href="1"></title><!-- <a href="2"> -->
<script src="real.js">const s = '<a href="3">'</script ><style>a::after { content: '<a href="4">' }</style>
<a href="real.html"> <script> unclosed <a href="5">`)
    assert.deepStrictEqual(
      links.map((link) => link.target),
      ["real.js", "real.html"]
    )
  })

  it("may say where its links start from", () => {
    assert.strictEqual(parseHtml(`<base href="/docs/"><base href="/no/">`).base, "/docs/")
  })

  it("is read in linear time, closed or not", () => {
    const started = performance.now()
    for (const text of [
      "<a href='".repeat(20_000),
      "<a ".repeat(50_000),
      "<!-- ".repeat(50_000),
      "<script>".repeat(20_000)
    ]) {
      parseHtml(text)
    }
    assert.isBelow(performance.now() - started, 2000)
  })
})
