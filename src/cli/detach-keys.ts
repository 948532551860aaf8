// The keys that leave a process running: `ctrl-p,ctrl-q`, as docker and podman have them.
import { UsageError } from "./arguments.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** The bytes of `ctrl-p,ctrl-q`; of "" none: never detach. Throws UsageError. */
export function parseDetachKeys(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.from(
    text.split(",").map((key) => {
      if (/^[!-~]$/.test(key)) return key.charCodeAt(0);
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
      if (control === undefined)
        throw new UsageError(`--detach-keys: "${key}" is no key: want a character or ctrl- and a letter, by commas`);
      return control.toUpperCase().charCodeAt(0) & 0x1f;
    }),
  );
}

/** Looks for the keys in what is typed. A beginning of them is held back until it is clear what it is. */
export class DetachFilter {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What goes to the process, and whether the keys were typed; what follows them is dropped. */
  push(data: Buffer): { readonly data: Buffer; readonly detached: boolean } {
    if (this.#keys.length === 0) return { data, detached: false };
    const out: number[] = [];
    for (const byte of data) {
      if (byte !== this.#keys[this.#matched]) {
        out.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) out.push(byte);
      else if (++this.#matched === this.#keys.length) return { data: Buffer.from(out), detached: true };
    }
    return { data: Buffer.from(out), detached: false };
  }
}
