import { PodrunError } from "../../base/errors.ts";
import { decodeMessage, type Message } from "./messages.gen.ts";

/** A frame's length field counts what follows it; none that either side sends is near this. */
const LONGEST = 64 * 1024 * 1024;
const LENGTH = 4;

/**
 * Cuts a byte stream into messages. A chunk that holds whole frames is decoded in place, without a copy: bytes arguments are
 * views of what was fed.
 */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = LENGTH;

  /** Calls `take` for each message that is complete now. Throws Internal when the stream is not the protocol's. */
  feed(chunk: Buffer, take: (request: number, message: Message) => void): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    let at = 0;
    this.#needed = LENGTH;
    while (all.length - at >= LENGTH) {
      const length = all.readUInt32LE(at);
      if (length > LONGEST) throw new PodrunError("Internal", `the monitor sent a frame of ${length} bytes`);
      if (all.length - at < LENGTH + length) {
        this.#needed = LENGTH + length;
        break;
      }
      const { request, message } = decodeMessage(all.subarray(at + LENGTH, at + LENGTH + length));
      at += LENGTH + length;
      take(request, message);
    }
    this.#size = all.length - at;
    this.#chunks = this.#size === 0 ? [] : [all.subarray(at)];
  }
}
