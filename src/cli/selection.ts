// Which objects a command line means: `pod NAME…`, `secrets`, `pod/NAME`, and for commands on one pod just `NAME`.
import { KINDS, type KindName, type KindNames, kindOfWord } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";

export interface Selection {
  readonly kind: KindName;
  /** Empty: all of them, as selectors narrow them. */
  readonly names: readonly string[];
  /** `pod/NAME` was written, not `pod NAME`. */
  readonly slashed: boolean;
}

const EVERY_KIND = KINDS.map(({ kind }) => kind);

/** Reads `pods`, `pod NAME…` or `pod/NAME…`, of pods only where nothing else is said. Throws UsageError. */
export async function parseSelection(
  positionals: readonly string[],
  kinds: readonly KindName[] = ["Pod"],
): Promise<Selection> {
  const [first, ...names] = positionals;
  if (first === undefined) throw new UsageError("you must specify the type of resource: pods, pod NAME or pod/NAME");
  if (first.includes("/")) {
    const found = await Promise.all(positionals.map((text) => readSlashed(text, kinds)));
    const [one] = found;
    if (one === undefined || found.some(({ kind }) => kind !== one.kind))
      throw new UsageError("objects of several types need a command each");
    return { kind: one.kind, names: found.map(({ name }) => name), slashed: true };
  }
  const kind = await readKind(first, kinds);
  const slashed = names.find((name) => name.includes("/"));
  if (slashed !== undefined) throw new UsageError(`there is no need to specify a resource type twice: "${slashed}"`);
  return { kind, names, slashed: false };
}

/** What kubectl calls `all`, as far as podrun has it. */
const ALL: readonly KindName[] = ["Pod"];

export interface Selections {
  /** One a kind. */
  readonly groups: readonly Selection[];
  /** Several types were asked for, so each object is shown with its own. */
  readonly several: boolean;
}

/** As {@link parseAnySelection}, of one type or of several: `pods,cm`, `all`, `pod/a cm/b`. Throws UsageError. */
export async function parseSelections(positionals: readonly string[]): Promise<Selections> {
  const [first = "", ...names] = positionals;
  if (first.includes("/")) {
    const found = await Promise.all(positionals.map((text) => readSlashed(text, EVERY_KIND)));
    const kinds = [...new Set(found.map(({ kind }) => kind))];
    const namesOf = (kind: KindName) => found.filter((one) => one.kind === kind).map(({ name }) => name);
    return {
      groups: kinds.map((kind) => ({ kind, names: namesOf(kind), slashed: true })),
      several: kinds.length > 1,
    };
  }
  const words = first.split(",").filter((word) => word !== "");
  if (words.length <= 1 && first.toLowerCase() !== "all")
    return { groups: [await parseAnySelection(positionals)], several: false };
  const kinds = await Promise.all(
    words.map(async (word) => (word.toLowerCase() === "all" ? ALL : [await readKind(word, EVERY_KIND)])),
  );
  if (names.length > 0 && kinds.flat().length > 1 && words.includes("all"))
    throw new UsageError("names can't stand behind all: write TYPE/NAME");
  return { groups: [...new Set(kinds.flat())].map((kind) => ({ kind, names, slashed: false })), several: true };
}

/** As {@link parseSelection}, of every kind that podrun keeps. */
export const parseAnySelection = (positionals: readonly string[]): Promise<Selection> =>
  parseSelection(positionals, EVERY_KIND);

/** The one pod of `exec`, `logs` …: `NAME` or `pod/NAME`. Throws UsageError. */
export async function podName(text: string): Promise<string> {
  if (!text.includes("/")) return text;
  return (await readSlashed(text, ["Pod"])).name;
}

async function readSlashed(text: string, kinds: readonly KindName[]): Promise<{ kind: KindName; name: string }> {
  const slash = text.indexOf("/");
  const kind = await readKind(slash === -1 ? text : text.slice(0, slash), kinds);
  const name = slash === -1 ? "" : text.slice(slash + 1);
  if (name === "" || name.includes("/")) throw new UsageError(`"${text}" names no object: want TYPE/NAME, as pod/web`);
  return { kind, name };
}

async function readKind(word: string, kinds: readonly KindName[]): Promise<KindName> {
  const kind = kindOfWord(word);
  if (kind !== undefined && kinds.includes(kind)) return kind;
  const known = KINDS.filter((one) => kinds.includes(one.kind));
  const list = known.map(({ plural, singular, short }: KindNames) => `${plural} (${[singular, ...short].join(", ")})`);
  if (kind !== undefined) throw new UsageError(`this command is not for "${word}": it takes ${list.join(", ")}`);
  const { nearest } = await import("../spec/nearest.ts");
  const near = nearest(
    word,
    known.flatMap(({ plural, singular, short }: KindNames) => [singular, plural, ...short]),
  );
  throw new UsageError(
    `the server doesn't have a resource type "${word}"${near === undefined ? `: it knows ${list.join(", ")}` : `; did you mean "${near}"?`}`,
  );
}
