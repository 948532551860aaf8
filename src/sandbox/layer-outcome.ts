// What the process of a layer says at its end (native/README.md), as a result or an error for the user.
import { PodrunError } from "../base/errors.ts";
import { stateAdvice, stateUnavailable } from "../base/state-errors.ts";
import { errnoName } from "../linux/errno.ts";

/** What was being done, for errors. */
export interface Packing {
  readonly verb: "unpack" | "pack";
  readonly image?: string;
  readonly layer: string;
  readonly folder: string;
}

/** Files written, and the bytes of their content. */
export interface Totals {
  readonly files: number;
  readonly bytes: number;
}

const REASONS = {
  damaged: "is damaged",
  outside: "leads out of the layer",
  unsupported: "is of a kind that a layer may not hold",
  conflict: "contradicts an earlier entry",
  limit: "is over a limit",
  system: "could not be written",
} as const;

/** Not EPERM or EACCES: those come from what the entry is, not from where it was to be written. */
const DISK_ERRORS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/**
 * `done\tFILES\tBYTES\n`, or `REASON\tOPERATION\tERRNO\tPATH\n`. Throws InvalidImage for what is the archive's fault,
 * StateUnavailable for what is the disk's, OperationFailed for the rest; also when it said nothing, and how it ended then.
 */
export function judgeOutcome(what: Packing, words: string, exit: { code: number; signal: number }): Totals {
  const [line = ""] = words.split("\n", 1);
  const [reason = "", ...fields] = line.split("\t");
  if (reason === "done") return { files: Number(fields[0]), bytes: Number(fields[1]) };
  const [operation = "", errno = "", path = ""] = fields;
  if (reason in REASONS) throw word(what, reason as keyof typeof REASONS, { operation, errno, path: entryName(path) });
  const how = exit.signal === 0 ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  throw new PodrunError("OperationFailed", `${subject(what)}: the process that ${what.verb}s it died: ${how}`, {
    details: { ...facts(what), signal: exit.signal, exitCode: exit.code },
  });
}

interface Failure {
  readonly operation: string;
  /** A name; empty: none. */
  readonly errno: string;
  /** In the layer; empty: no entry in particular. */
  readonly path: string;
}

function word(what: Packing, reason: keyof typeof REASONS, { operation, errno: raw, path }: Failure): PodrunError {
  const errno = raw === "" || raw === "0" ? undefined : /^[0-9]+$/.test(raw) ? errnoName(Number(raw)) : raw;
  const details = { ...facts(what), entry: path === "" ? undefined : path, operation, errno };
  const advice = diskAdvice(operation, errno);
  if (reason === "system" && advice !== undefined && what.verb === "unpack") {
    const cause = new PodrunError("OperationFailed", `${subject(what)}: ${operation} ${path}: ${errno}`, { details });
    return stateUnavailable(what.folder, advice, cause, subject(what));
  }
  const entry = path === "" ? "it" : `the entry ${JSON.stringify(path)}`;
  const because = [operation, errno].filter((part) => part !== undefined && part !== "").join(": ");
  const verb = reason === "system" && what.verb === "pack" ? "could not be read" : REASONS[reason];
  const text = `${subject(what)}: ${entry} ${verb}${because === "" ? "" : ` (${because})`}`;
  // Packing reads what we have written ourselves: whatever is wrong there, the image did not do it.
  const code = reason === "system" ? "OperationFailed" : what.verb === "pack" ? "StateCorrupt" : "InvalidImage";
  return new PodrunError(code, text, { details });
}

/** setxattr(2): ENOSPC is also that the attributes of this one file are more than the file system has room for. */
function diskAdvice(operation: string, errno: string | undefined): string | undefined {
  if (errno === "ENOSPC" && operation.includes("setxattr"))
    return "the file system is full, or cannot hold attributes as large as the image's; make room, or use another file system";
  return DISK_ERRORS.has(errno ?? "") ? stateAdvice(errno) : undefined;
}

const subject = ({ image, layer }: Packing): string =>
  `${image === undefined ? "" : `image "${image}": `}layer ${layer}`;

const facts = ({ image, layer }: Packing) => ({ image, layer });

/** Bytes that are no printable text come as %XX; those that are UTF-8 are shown as the text that they are. */
function entryName(escaped: string): string {
  const bytes = escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const text = Buffer.from(bytes, "latin1").toString("utf8");
  return text.includes("\uFFFD") ? escaped : text;
}
