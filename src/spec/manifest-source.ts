import type { Source } from "./problem.ts";

/** Lines of the fields of one document of a manifest. */
export class ManifestSource implements Source {
  readonly file: string;
  readonly #lines: ReadonlyMap<string, number>;
  readonly #prefix: string;

  constructor(file: string, lines: ReadonlyMap<string, number>, prefix = "") {
    this.file = file;
    this.#lines = lines;
    this.#prefix = prefix;
  }

  lineOf(path: string): number | undefined {
    const dot = this.#prefix === "" || path === "" || path.startsWith("[") ? "" : ".";
    return this.#lines.get(`${this.#prefix}${dot}${path}`);
  }

  /** The source of an object inside this document, such as items[2] of a List. */
  below(path: string): ManifestSource {
    return new ManifestSource(this.file, this.#lines, path);
  }
}
