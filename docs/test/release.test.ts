import { assert, describe, it } from "@effect/vitest"
import { type Address, addressOf, packedReadme, withAddress } from "../../scripts/packAddress.ts"
import { unmetPeers } from "../../scripts/packTarball.ts"

const manifest = { name: "@troupe/core", version: "1.2.3" }

const placeOn = (remote: string) => {
  const address = addressOf(remote)
  if (typeof address === "string") return assert.fail(address)
  return { address: address satisfies Address, directory: "packages/core", version: "1.2.3" }
}

const onGithub = placeOn("https://github.com/owner/repository.git")

describe("the address of a release", () => {
  it("is that of the remote, however git is told of it", () => {
    for (const remote of [
      "https://github.com/owner/repository.git",
      "https://github.com/owner/repository/",
      "git@github.com:owner/repository.git",
      "ssh://git@github.com/owner/repository.git",
      "ssh://git@GitHub.com:22/owner/repository"
    ]) {
      assert.strictEqual(placeOn(remote).address.web, "https://github.com/owner/repository", remote)
    }
    assert.strictEqual(placeOn("git@gitlab.com:a/b/c.git").address.web, "https://gitlab.com/a/b/c")
  })

  it("has none of the secrets that a remote may hold", () => {
    const place = placeOn("https://somebody:secret-token@github.com/owner/repository.git")
    assert.notInclude(JSON.stringify(withAddress(manifest, place)), "secret")
    assert.notInclude(String(addressOf("https://somebody:secret-token@example.org/owner/repository")), "secret")
  })

  it("is refused where there is none, and where nobody could follow it", () => {
    for (const remote of [undefined, "", "/home/somebody/troupe", "file:///srv/troupe", "../troupe", "C:\\troupe"]) {
      assert.match(String(addressOf(remote)), /remote "origin"/)
    }
    assert.match(
      String(addressOf("git@example.org:owner/repository.git")),
      /on example\.org.*github\.com or gitlab\.com/
    )
  })

  it("is in the package.json", () => {
    assert.deepEqual(withAddress(manifest, onGithub), {
      ...manifest,
      homepage: "https://github.com/owner/repository/tree/HEAD/packages/core#readme",
      bugs: { url: "https://github.com/owner/repository/issues" },
      repository: { type: "git", url: "git+https://github.com/owner/repository.git", directory: "packages/core" }
    })
    const onGitlab = withAddress(manifest, placeOn("git@gitlab.com:a/b.git"))
    assert.strictEqual(onGitlab.homepage, "https://gitlab.com/a/b/-/tree/HEAD/packages/core#readme")
  })
})

describe("the README of a package", () => {
  const packed = (markdown: string) => packedReadme(markdown, "packages/core", onGithub)
  const withoutAddress = (markdown: string) => packedReadme(markdown, "packages/core", undefined)
  const files = "https://github.com/owner/repository"

  it("leads to the files of its version", () => {
    assert.strictEqual(
      packed("See [errors](../../docs/errors.md#which) and\n[the `cluster`\npackage](../cluster/README.md)."),
      `See [errors](${files}/blob/v1.2.3/docs/errors.md#which) and\n[the \`cluster\`\npackage](${files}/blob/v1.2.3/packages/cluster/README.md).`
    )
    assert.strictEqual(packed("![A view](../../view.png)"), `![A view](${files}/raw/v1.2.3/view.png)`)
    assert.strictEqual(
      packed("[![A view](../../view.png)](AGENTS.md)"),
      `[![A view](${files}/raw/v1.2.3/view.png)](${files}/blob/v1.2.3/packages/core/AGENTS.md)`
    )
  })

  it("keeps the words of links that lead nowhere, as long as there is no address", () => {
    assert.strictEqual(withoutAddress("See [errors](../../docs/errors.md#which)."), "See errors.")
    assert.strictEqual(withoutAddress("[![A view](../../view.png)](../../docs/view.md)"), "A view")
    assert.strictEqual(withoutAddress("[AGENTS.md](AGENTS.md)"), "[AGENTS.md](AGENTS.md)")
  })

  it("keeps other links, and code", () => {
    const text = "[Effect](https://effect.website), [below](#below), `[a](b)`\n\n```md\n[a](b)\n```\n\n``[a](b) ` ``\n"
    assert.strictEqual(packed(text), text)
    assert.strictEqual(withoutAddress(text), text)
  })

  it("does not say on npm that it is not on npm", () => {
    const text = "before\n\n> Not on npm yet: [install it](../../docs/a.md)\n> from a clone.\n\nafter\n"
    assert.strictEqual(packed(text), "before\n\nafter\n")
    assert.strictEqual(withoutAddress(text), "before\n\n> Not on npm yet: install it\n> from a clone.\n\nafter\n")
  })
})

describe("the peers of dependencies", () => {
  const inspector = {
    name: "inspector",
    version: "1.0.0",
    peerDependencies: { core: "^1.0.0", effect: "^4.0.0", extra: "*" },
    peerDependenciesMeta: { extra: { optional: true } }
  }
  const problems = (one: object) =>
    unmetPeers({ name: "cli", version: "1.0.0", dependencies: { inspector: "^1.0.0" }, ...one }, () => inspector)

  it("are asked for or had, or a strict installer refuses", () => {
    assert.deepEqual(
      problems({ peerDependencies: { effect: "^4.0.0" } }).map((problem) => /peer (\w+)/.exec(problem)?.[1]),
      ["core"]
    )
    assert.deepEqual(problems({ peerDependencies: { effect: "^4.0.0", core: "^1.0.0" } }), [])
    assert.deepEqual(problems({ dependencies: { inspector: "^1.0.0", core: "*", effect: "*" } }), [])
  })

  it("are not there for sure where they are optional", () => {
    const optional = {
      peerDependencies: inspector.peerDependencies,
      peerDependenciesMeta: { core: { optional: true } }
    }
    assert.strictEqual(problems(optional).length, 1)
  })
})
