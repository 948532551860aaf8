// What the process of a copy says of itself (native/README.md, "untar and retar"), as a result or an error for the user.
import { type ErrorCode, PodrunError } from "../base/errors.ts";
import { errnoName } from "../linux/errno.ts";
import type { CopyOutcome } from "./types.ts";

/** A container's names decide how much is said; more is not kept. */
const MOST_SKIPPED = 100;
const LONGEST_LINE = 64 * 1024;

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of it is no directory",
  EISDIR: "is a directory",
  ENOSPC: "no space left on device",
  EROFS: "read-only file system",
  EBUSY: "is a mount point: write into it with exec instead",
  ELOOP: "too many links or folders in one another",
  ENAMETOOLONG: "the name is too long",
};

const CODES: Readonly<Record<string, ErrorCode>> = { ENOENT: "NotFound", ENOTDIR: "Conflict", EISDIR: "Conflict" };

export interface CopyWhere {
  readonly container: string;
  readonly path: string;
  readonly uid: number;
}

/** Collects the lines: `skipped\tOPERATION\tERRNO\tPATH`, and last `done\tFILES\tBYTES` or why not. */
export class CopyReport {
  readonly #where: CopyWhere;
  readonly #skipped: { path: string; why: string }[] = [];
  #rest = "";
  #last: readonly string[] | undefined;

  constructor(where: CopyWhere) {
    this.#where = where;
  }

  add(data: Buffer): void {
    const lines = (this.#rest + data.toString("latin1")).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) this.#take(line.split("\t"));
  }

  #take(fields: readonly string[]): void {
    const [reason, operation = "", errno = "", path = ""] = fields;
    if (reason !== "skipped") this.#last = fields;
    else if (this.#skipped.length < MOST_SKIPPED)
      this.#skipped.push({ path: plainName(path).replace(/^\.\//, ""), why: wordSkipped(operation, errno) });
  }

  /** Throws what the process ended with. */
  judge(exitCode: number): CopyOutcome {
    const [reason, operation = "", errno = "", path = ""] = this.#last ?? [];
    if (reason === "done") return { files: Number(operation), bytes: Number(errno), skipped: this.#skipped };
    const { container, uid } = this.#where;
    if (reason === undefined)
      throw new PodrunError(
        "OperationFailed",
        `container "${container}": the process that copies ended before it was done (exit code ${exitCode}): ` +
          "did the container end, or use up its memory?",
        { details: { container, exitCode } },
      );
    const name = Number(errno) === 0 ? undefined : errnoName(Number(errno));
    const place = this.#placeOf(plainName(path));
    const why = name === undefined ? wordReason(reason, operation) : (WORDS[name] ?? `${operation}: ${name}`);
    const who = name === "EACCES" || name === "EPERM" ? ` (the container's user is ${uid})` : "";
    const code = (name !== undefined && CODES[name]) || (reason === "system" ? "OperationFailed" : "BadRequest");
    throw new PodrunError(code, `container "${container}": ${place}: ${why}${who}`, {
      details: { container, path: place, operation, errno: name },
    });
  }

  /** Names of an archive are relative to where it begins. */
  #placeOf(name: string): string {
    const { path } = this.#where;
    if (name === "." || name === "") return path;
    const base = path === "/" ? "" : path;
    return name.startsWith("/") ? name : `${base}/${name.replace(/^\.\//, "")}`;
  }
}

function wordReason(reason: string, operation: string): string {
  if (operation === "type") return "is neither a file nor a directory nor a symbolic link";
  if (reason === "outside") return "leads out of the container";
  return `${reason}${operation === "" ? "" : `: ${operation}`}`;
}

function wordSkipped(operation: string, errno: string): string {
  if (operation === "type") return "neither a file nor a directory nor a symbolic link";
  const name = errnoName(Number(errno));
  return WORDS[name] ?? `${operation}: ${name}`;
}

/** Bytes that are no printable text come as %XX. */
function plainName(escaped: string): string {
  const bytes = escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  const text = Buffer.from(bytes, "latin1").toString("utf8");
  return text.includes("\uFFFD") ? escaped : text;
}
