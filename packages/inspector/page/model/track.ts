/** The last values of a figure, one per update, although it is only pushed when it changes. */
export const LENGTH = 120

export class Track {
  private readonly values: Array<number> = []
  private tick = 0

  /** The value from update number `tick` on. */
  push(tick: number, value: number): void {
    this.fill(tick - 1)
    if (this.tick === tick) this.values.pop()
    this.values.push(value)
    if (this.values.length > LENGTH) this.values.shift()
    this.tick = tick
  }

  private fill(tick: number): void {
    const last = this.values.at(-1)
    if (last === undefined) return
    for (let i = Math.max(this.tick, tick - LENGTH); i < tick; i++) this.values.push(last)
    if (this.values.length > LENGTH) this.values.splice(0, this.values.length - LENGTH)
    this.tick = Math.max(this.tick, tick)
  }

  /** The values up to update number `tick`, oldest first. */
  read(tick: number): ReadonlyArray<number> {
    this.fill(tick)
    return this.values
  }
}
