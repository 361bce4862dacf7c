/**
 * The few words of memory that an owner shares with its thread, for what one of them has to know while the other computes
 * and reads no messages. A page that is not isolated from others (`crossOriginIsolated`) cannot share memory: there each
 * side has words of its own, and what they are for is said in messages, or not known.
 */

export const Word = {
  /** Counts what the thread has posted, so that the owner can sleep until there is something new. */
  Posted: 0,
  /** The call that the thread began or went on with last, modulo 2^32. */
  Started: 1,
  /** Set when the thread exits. */
  Dead: 2,
  /** The call that the thread took up last, modulo 2^32. It takes them up in the order of their numbers. */
  Taken: 3,
  /** Set when the thread received a batch that it cannot read. */
  Garbled: 4,
  /** How many batches of the thread the owner has read. */
  Read: 5,
  /** Set when the owner has given the thread up: calls that the thread has not taken up by then run elsewhere. */
  Lost: 6,
  /** Counts the batches that interrupt calls. */
  Interrupts: 7
} as const

const canShare = typeof SharedArrayBuffer === "function"

const BYTES = Int32Array.BYTES_PER_ELEMENT * Object.keys(Word).length

export const makeMemory = (): Int32Array =>
  new Int32Array(canShare ? new SharedArrayBuffer(BYTES) : new ArrayBuffer(BYTES))

export const isShared = ({ buffer }: Int32Array): boolean => canShare && buffer instanceof SharedArrayBuffer
