// The file that an editor opens: a heading of comments, and below it the object.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";

const HEADING = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

/** `problems`: a line each. */
export const withHeading = (body: string, problems: readonly string[]): string =>
  `${HEADING}${problems.length === 0 ? "" : `${problems.map((line) => `# ${line}\n`).join("")}#\n`}${body}`;

/** What stands below the comments that the file begins with; "" when that is nothing. */
export function withoutHeading(text: string): string {
  const body = text.replace(/^(?:#[^\n]*(?:\n|$))*/, "");
  return /^\s*[^\s#]/m.test(body) ? body : "";
}

/** Readable by its owner only: it may be a Secret. */
export class EditFile {
  readonly #folder = mkdtempSync(join(tmpdir(), "podrun-edit-"));
  readonly path: string;

  constructor(ending: "yaml" | "json") {
    this.path = join(this.#folder, `edit.${ending}`);
  }

  /** What the user made of the text. Throws Cancelled when the editor fails; the file stays if anything was saved in it. */
  async edit(text: string): Promise<string> {
    writeFileSync(this.path, text, { mode: 0o600 });
    try {
      await runEditor(this.path);
    } catch (error) {
      if (readFileSync(this.path, "utf8") === text) this.remove();
      else this.tell();
      throw error;
    }
    return readFileSync(this.path, "utf8");
  }

  /** Nobody's work is lost. */
  tell(): void {
    process.stderr.write(`A copy of your changes has been stored to "${this.path}"\n`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** KUBE_EDITOR or EDITOR may have flags and quotes of their own. */
async function runEditor(path: string): Promise<void> {
  const editor = process.env["KUBE_EDITOR"] || process.env["EDITOR"] || "vi";
  const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code === 127)
    throw new PodrunError(
      "Cancelled",
      `unable to launch the editor "${editor}": set KUBE_EDITOR or EDITOR to one that is there`,
    );
  if (code !== 0) throw new PodrunError("Cancelled", `there was a problem with the editor "${editor}"`);
}
