/** For Rollup: makes a file of the output for each thread that is started with a `new URL("./...", import.meta.url)`. */
const threads = () => ({
  name: "threads",
  async transform(code, importer) {
    const found = [...code.matchAll(/new Worker\(\s*(new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url\s*\))/g)]
    let changed = code
    for (const [, url, file] of found) {
      const { id } = await this.resolve(file, importer)
      const chunk = this.emitFile({ type: "chunk", id })
      changed = changed.replace(url, `new URL(import.meta.ROLLUP_FILE_URL_${chunk})`)
    }
    return changed === code ? undefined : { code: changed, map: null }
  }
})

export default threads
