import { readFileSync } from "node:fs";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import type { SyscallRule } from "./profile.ts";
import { ACTIONS, type Argument, COMPARISONS, type Condition, FILTER_FLAGS, type SeccompProfile } from "./profile.ts";

/**
 * Reads a profile file (`seccompProfile: {type: Localhost}`): the OCI runtime specification's linux.seccomp, or Docker's format
 * with `includes` and `excludes`. Throws BadRequest naming file and field, NotFound when there is no such file.
 */
export function readProfile(file: string): SeccompProfile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const errno = errnoOf(cause);
    const code = errno === "ENOENT" ? "NotFound" : "OperationFailed";
    throw new PodrunError(code, `seccomp profile ${file} can't be read: ${errno ?? cause}`, {
      details: { file, errno },
      cause,
    });
  }
  return parseProfile(text, file);
}

export function parseProfile(text: string, file: string): SeccompProfile {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new PodrunError("BadRequest", `seccomp profile ${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  return new Field(raw, "", file).profile();
}

/** One value of the file and where it stands, so that every complaint names the place. */
class Field {
  readonly #value: unknown;
  readonly #path: string;
  readonly #file: string;

  constructor(value: unknown, path: string, file: string) {
    this.#value = value;
    this.#path = path;
    this.#file = file;
  }

  profile(): SeccompProfile {
    const known =
      "defaultAction defaultErrnoRet defaultErrno architectures archMap flags listenerPath listenerMetadata syscalls";
    const object = this.#object(known.split(" "));
    if (object["listenerPath"]) this.#at("listenerPath")?.fail("notification listeners are not supported");
    const architectures = this.#at("architectures")?.strings();
    const archMap = this.#at("archMap")?.items((item) => item.#archMapEntry());
    const flags = this.#at("flags")?.items((item) => item.oneOf(FILTER_FLAGS));
    const errno = this.#at("defaultErrnoRet")?.number(0, 4095);
    return {
      defaultAction: this.#required("defaultAction").oneOf(ACTIONS),
      ...(errno !== undefined && { defaultErrnoRet: errno }),
      ...(architectures && { architectures }),
      ...(!architectures && archMap && mapped(archMap)),
      ...(flags && { flags }),
      syscalls: this.#at("syscalls")?.items((item) => item.#rule()) ?? [],
    };
  }

  #archMapEntry(): string[] {
    this.#object(["architecture", "subArchitectures"]);
    return [this.#required("architecture").string(), ...(this.#at("subArchitectures")?.strings() ?? [])];
  }

  #rule(): SyscallRule {
    const object = this.#object("name names action errnoRet errno args comment includes excludes".split(" "));
    const names = object["names"] === undefined ? [this.#required("name").string()] : this.#required("names").strings();
    if (names.length === 0) this.#required("names").fail("it is empty; name at least one system call");
    const errnoRet = this.#at("errnoRet")?.number(0, 4095);
    const args = this.#at("args")?.items((item) => item.#argument());
    const includes = this.#at("includes")?.condition();
    const excludes = this.#at("excludes")?.condition();
    return {
      names,
      action: this.#required("action").oneOf(ACTIONS),
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args && { args }),
      ...(includes && { includes }),
      ...(excludes && { excludes }),
    };
  }

  #argument(): Argument {
    this.#object(["index", "value", "valueTwo", "op"]);
    return {
      index: this.#required("index").number(0, 5),
      op: this.#required("op").oneOf(COMPARISONS),
      value: BigInt(this.#required("value").number(0, Number.MAX_SAFE_INTEGER)),
      valueTwo: BigInt(this.#at("valueTwo")?.number(0, Number.MAX_SAFE_INTEGER) ?? 0),
    };
  }

  condition(): Condition {
    this.#object(["caps", "arches", "minKernel"]);
    const caps = this.#at("caps")?.strings();
    const arches = this.#at("arches")?.strings();
    const minKernel = this.#at("minKernel")?.string();
    return { ...(caps && { caps }), ...(arches && { arches }), ...(minKernel && { minKernel }) };
  }

  fail(problem: string): never {
    const place = this.#path === "" ? "the top level" : this.#path;
    throw new PodrunError("BadRequest", `seccomp profile ${this.#file}: ${place}: ${problem}`, {
      details: { file: this.#file, field: this.#path },
    });
  }

  string(): string {
    return typeof this.#value === "string" ? this.#value : this.fail(`must be text, is ${kindOf(this.#value)}`);
  }

  number(least: number, most: number): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    return this.fail(`must be a whole number from ${least} to ${most}, is ${JSON.stringify(value)}`);
  }

  oneOf<Names extends object>(names: Names): keyof Names {
    const text = this.string();
    if (Object.hasOwn(names, text)) return text as keyof Names;
    return this.fail(`${JSON.stringify(text)} is none of ${Object.keys(names).join(", ")}`);
  }

  strings(): string[] {
    return this.items((item) => item.string());
  }

  items<T>(read: (item: Field) => T): T[] {
    if (!Array.isArray(this.#value)) return this.fail(`must be a list, is ${kindOf(this.#value)}`);
    return this.#value.map((value, i) => read(new Field(value, `${this.#path}[${i}]`, this.#file)));
  }

  #object(known: readonly string[]): Record<string, unknown> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.fail(`must be an object, is ${kindOf(value)}`);
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown !== undefined) this.fail(`has no field ${JSON.stringify(unknown)}; it may have ${known.join(", ")}`);
    return value as Record<string, unknown>;
  }

  /** A field that may be left out; null counts as left out, as Go writes empty lists so. */
  #at(key: string): Field | undefined {
    const value = (this.#value as Record<string, unknown>)[key];
    const path = this.#path === "" ? key : `${this.#path}.${key}`;
    return value === undefined || value === null ? undefined : new Field(value, path, this.#file);
  }

  #required(key: string): Field {
    return this.#at(key) ?? this.fail(`needs the field ${JSON.stringify(key)}`);
  }
}

const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${typeof value}`;

/** Docker's archMap: of its entries, the one for the machine we run on says which others to cover. */
function mapped(entries: readonly string[][]): { architectures: string[] } | undefined {
  const own = process.arch === "x64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
  const entry = entries.find(([architecture]) => architecture === own);
  return entry && { architectures: entry };
}
