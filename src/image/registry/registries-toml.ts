// One registries.conf, checked: containers-registries.conf(5), version 2.
import { parse, TomlError } from "smol-toml";
import type { PodrunError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { fileError } from "./config-file.ts";
import { kindOf } from "./json-text.ts";

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly pull: "all" | "digest-only" | "tag-only";
}

/** One `[[registry]]`. */
export interface RegistryEntry {
  /** `host[:port][/path…][:tag|@digest]` or `*.host`. */
  readonly prefix: string;
  /** Empty with a `*.` prefix: names stay as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
  readonly mirrorByDigestOnly: boolean;
  /** Where it stands, for errors. */
  readonly file: string;
}

export interface ParsedRegistries {
  readonly entries: readonly RegistryEntry[];
  /** `credential-helpers`; undefined: not set here. */
  readonly credentialHelpers?: readonly string[] | undefined;
  /** Fields that nobody knows: ignored, as everybody else does. */
  readonly unknown: readonly string[];
}

const TOP = [
  "unqualified-search-registries",
  "credential-helpers",
  "short-name-mode",
  "aliases",
  "registry",
  "registries",
];
const REGISTRY = ["prefix", "location", "insecure", "blocked", "mirror", "mirror-by-digest-only"];
const MIRROR = ["location", "insecure", "pull-from-mirror"];
const PULL_FROM_MIRROR = ["all", "digest-only", "tag-only"] as const;

/** Throws ImageRejected: file, line where the text is not TOML, field, and what would be right. */
export function parseRegistriesConf(text: string, file: string): ParsedRegistries {
  const document = parseToml(text, file);
  refuseVersion1(document, file);
  const fields = new Fields(file, "", document);
  const tables = fields.tables("registry", "[[registry]]");
  const registries = tables.map((table, at) => new Fields(file, `registry ${at + 1} (${nameOf(table)}): `, table));
  const entries = registries.map(readEntry);
  refuseContradictions(entries, file);
  const mirrors = registries.flatMap((registry) => mirrorsOf(registry));
  return {
    entries,
    credentialHelpers: fields.texts("credential-helpers"),
    unknown: [
      ...fields.unknown(TOP),
      ...registries.flatMap((registry) => registry.unknown(REGISTRY)),
      ...mirrors.flatMap((mirror) => mirror.unknown(MIRROR)),
    ],
  };
}

function parseToml(text: string, file: string): JsonObject {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "");
    throw fileError("ImageRejected", file, `line ${error.line}: it is not TOML: ${reason}`, error);
  }
}

/** Version 1 has no `[[registry]]`, only lists of names. Empty lists, as old packages installed them, say nothing. */
function refuseVersion1(document: JsonObject, file: string): void {
  const lists = isJsonObject(document["registries"]) ? document["registries"] : {};
  for (const name of ["search", "insecure", "block"]) {
    const list = lists[name];
    if (!isJsonObject(list) || !Array.isArray(list["registries"]) || list["registries"].length === 0) continue;
    const problem = `[registries.${name}] is version 1 of the format, which podrun does not read; write a [[registry]] table with prefix, and insecure or blocked, for each`;
    throw fileError("ImageRejected", file, problem);
  }
}

const nameOf = (table: JsonObject): string =>
  String(table["prefix"] ?? table["location"] ?? "without prefix and location");

const mirrorsOf = (registry: Fields): readonly Fields[] =>
  registry
    .tables("mirror", "[[registry.mirror]]")
    .map((table, at) => new Fields(registry.file, `${registry.where}mirror ${at + 1}: `, table));

function readEntry(fields: Fields): RegistryEntry {
  const location = fields.location("location");
  const prefix = fields.location("prefix") || location;
  const wild = prefix.startsWith("*.");
  if (prefix === "") throw fields.error("location", `must be set, such as location = "registry.example.com"`);
  if (wild && /[/@:]/.test(prefix))
    throw fields.error("prefix", `"${prefix}" must be like *.example.com, with nothing behind the name`);
  if (prefix.slice(wild ? 2 : 0).includes("*"))
    throw fields.error("prefix", `"${prefix}": a * may stand at the beginning only, as in *.example.com`);
  if (location === "" && !wild) throw fields.error("location", "must be set, unless the prefix begins with *.");
  if (tagOf(location) !== "" && tagOf(location) !== tagOf(prefix)) {
    throw fields.error(
      "location",
      `"${location}" must have no tag or digest other than the prefix's; podrun maps names, not tags`,
    );
  }
  const mirrorByDigestOnly = fields.flag("mirror-by-digest-only");
  const mirrors = mirrorsOf(fields).map((mirror) => readMirror(mirror, mirrorByDigestOnly));
  return {
    prefix,
    location,
    insecure: fields.flag("insecure"),
    blocked: fields.flag("blocked"),
    mirrors,
    mirrorByDigestOnly,
    file: fields.file,
  };
}

/** `:tag` or `@digest` of a name; empty: none. A colon in the first part is a port's. */
export const tagOf = (name: string): string => /\/[^/@:]*((?:[:@][^/]*)?)$/.exec(name)?.[1] ?? "";

function readMirror(fields: Fields, digestOnly: boolean): Mirror {
  const location = fields.location("location");
  if (location === "") throw fields.error("location", `must be set, such as location = "mirror.example.com"`);
  const raw = fields.text("pull-from-mirror");
  const pull = PULL_FROM_MIRROR.find((name) => name === (raw === "" ? "all" : raw));
  if (pull === undefined)
    throw fields.error("pull-from-mirror", `must be "all", "digest-only" or "tag-only", it is "${raw}"`);
  if (digestOnly && raw !== "")
    throw fields.error("pull-from-mirror", "cannot be set where the registry has mirror-by-digest-only = true");
  return { location, insecure: fields.flag("insecure"), pull };
}

/** containers/image refuses a file that says two things of one location, too: which one counted would be a matter of order. */
function refuseContradictions(entries: readonly RegistryEntry[], file: string): void {
  for (const key of ["insecure", "blocked"] as const) {
    const said = new Map<string, boolean>();
    for (const entry of entries) {
      const place = entry.location || entry.prefix;
      if ((said.get(place) ?? entry[key]) !== entry[key]) {
        throw fileError(
          "ImageRejected",
          file,
          `registry "${place}" stands there more than once, with ${key} = true and with ${key} = false; it must be one of them`,
        );
      }
      said.set(place, entry[key]);
    }
  }
}

/** The fields of one table, with their types checked. */
class Fields {
  readonly file: string;
  readonly where: string;
  readonly #table: JsonObject;

  constructor(file: string, where: string, table: JsonObject) {
    this.file = file;
    this.where = where;
    this.#table = table;
  }

  error(field: string, problem: string): PodrunError {
    return fileError("ImageRejected", this.file, `${this.where}${field} ${problem}`);
  }

  text(field: string): string {
    const value = this.#table[field] ?? "";
    if (typeof value !== "string") throw this.error(field, `must be a text in quotes, it is ${kindOf(value)}`);
    return value;
  }

  texts(field: string): readonly string[] | undefined {
    const value = this.#table[field];
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw this.error(field, `must be a list of texts, it is ${kindOf(value)}`);
  }

  flag(field: string): boolean {
    const value = this.#table[field] ?? false;
    if (typeof value !== "boolean") throw this.error(field, `must be true or false, it is ${kindOf(value)}`);
    return value;
  }

  location(field: string): string {
    const value = this.text(field).replace(/\/+$/, "");
    if (/^https?:\/\//.test(value))
      throw this.error(field, `"${value}" must be without http:// or https://; insecure = true allows http`);
    return value;
  }

  tables(field: string, written: string): readonly JsonObject[] {
    const value = this.#table[field] ?? [];
    if (Array.isArray(value) && value.every(isJsonObject)) return value;
    throw this.error(field, `must be written as ${written}, with two brackets on each side`);
  }

  unknown(known: readonly string[]): readonly string[] {
    return Object.keys(this.#table)
      .filter((name) => !known.includes(name))
      .map((name) => `${this.where}${name}`);
  }
}
