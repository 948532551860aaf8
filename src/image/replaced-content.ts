import type { Readable } from "node:stream";

/** native/README.md, "Skeleton". */
const MAGIC = 8;
const CONTENT = 16;

/**
 * The entry of a layer that took the place of an earlier one of the same archive, by its skeleton: what the earlier one held was
 * never kept, and so the archive can't be made again. undefined: there is none.
 */
export async function findReplacing(skeleton: Readable): Promise<string | undefined> {
  const reader = new Reader(skeleton);
  await reader.take(MAGIC);
  for (;;) {
    const type = String.fromCharCode((await reader.take(1))[0] ?? 0);
    if (type === "L" || type === "F") {
      const path = await reader.take((await reader.take(2)).readUInt16LE());
      if (type === "L") return path.toString("utf8");
      await reader.take(8);
    } else if (type === "R") await reader.skip((await reader.take(4)).readUInt32LE());
    else if (type === "C") await reader.take(CONTENT);
    else return undefined;
  }
}

class Reader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Throws when there are fewer. */
  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count) this.#held = Buffer.concat([this.#held, await this.#more()]);
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > this.#held.length) {
      left -= this.#held.length;
      this.#held = await this.#more();
    }
    this.#held = this.#held.subarray(left);
  }

  async #more(): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new Error("the skeleton ends too early");
    return next.value;
  }
}
