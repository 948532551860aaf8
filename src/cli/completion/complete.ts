// `podrun __complete LINE`: what may stand at the end of a command line that is being written. The shells' scripts
// (completion-scripts.ts) ask it. It says nothing of what is wrong, and starts no daemon.
import type { Option, OptionTable } from "../arguments.ts";
import { type Command, type CommandEntry, GLOBAL_OPTIONS } from "../command.ts";
import { COMMANDS } from "../commands.ts";
import { type Candidate, candidatesFor, isSameType } from "./complete-names.ts";
import { splitLine } from "./split-line.ts";
import { readForm, slotsBehind } from "./usage-forms.ts";

/** Longest time that a daemon which hangs may keep a shell, milliseconds. */
const PATIENCE = 2000;

export interface Completion {
  /** The shell offers files, too. */
  readonly files: boolean;
  readonly candidates: readonly Candidate[];
}

const NOTHING: Completion = { files: false, candidates: [] };

/** Prints `files`, `nospace` or `words`, then a candidate a line, with a tab and a remark where there is one. */
export async function printCompletions([line = ""]: readonly string[]): Promise<number> {
  const { words, current } = splitLine(line);
  const late = new Promise<Completion>((resolve) => setTimeout(() => resolve(NOTHING), PATIENCE).unref());
  const asked = complete(words.slice(1), current).catch(() => NOTHING);
  const { files, candidates } = await Promise.race([asked, late]);
  const fitting = candidates.filter(([word]) => word.startsWith(current));
  // What ends so goes on: with the name of an object, the path in a container.
  const noSpace = fitting.some(([word]) => /[/:]$/.test(word));
  const lines = fitting.map(([word, remark]) => (remark === undefined ? word : `${word}\t${remark}`));
  process.stdout.write([files ? "files" : noSpace ? "nospace" : "words", ...new Set(lines), ""].join("\n"));
  return 0;
}

/** `before`: the words behind `podrun`; `current`: the one that is being written, "" when it is yet to begin. */
export async function complete(before: readonly string[], current: string): Promise<Completion> {
  let entries: Readonly<Record<string, CommandEntry>> = COMMANDS;
  let name = "";
  // `help` is followed by what it is to explain.
  for (let words = before[0] === "help" ? before.slice(1) : before; ; ) {
    const { positionals, value } = readWords(words, GLOBAL_OPTIONS);
    const at = { before: [], options: optionsOf(words, GLOBAL_OPTIONS), current };
    if (value !== undefined) return completeValue(value, at);
    const [word] = positionals;
    if (word === undefined && current.startsWith("-")) return completeFlag(GLOBAL_OPTIONS, current);
    if (word === undefined)
      return { ...NOTHING, candidates: Object.entries(entries).map(([verb, [about]]) => [verb, about] as const) };
    const entry = Object.hasOwn(entries, word) ? entries[word] : undefined;
    if (entry === undefined) return NOTHING;
    const loaded = await entry[1]();
    name = `${name} ${word}`.trim();
    words = words.toSpliced(words.indexOf(word), 1);
    if (!("group" in loaded)) return completeCommand(name, loaded.command as Command, words, current);
    entries = loaded.group.commands;
  }
}

async function completeCommand(
  name: string,
  command: Command,
  words: readonly string[],
  current: string,
): Promise<Completion> {
  // What a program in a container is given is its own.
  if (words.includes("--")) return NOTHING;
  const table: OptionTable = { ...command.options, ...GLOBAL_OPTIONS };
  const { positionals, value } = readWords(words, table);
  const at = { before: positionals, options: optionsOf(words, table), current };
  const [, flag, written] = /^--([^=]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined && Object.hasOwn(table, flag)) {
    const inner = await completeValue(table[flag] as Option, { ...at, current: written ?? "" });
    return { ...inner, candidates: inner.candidates.map(([word, remark]) => [`--${flag}=${word}`, remark] as const) };
  }
  if (value !== undefined) return completeValue(value, at);
  if (current.startsWith("-")) return completeFlag(table, current);
  const forms = command.usage.map((usage) => readForm(usage, name));
  const slots = slotsBehind(forms, positionals, isSameType);
  return gather(
    slots.flatMap(({ stands }) => stands),
    slots.flatMap((slot) => slot.words),
    at,
  );
}

interface At {
  readonly before: readonly string[];
  /** Values of options that are there already, by name. */
  readonly options: ReadonlyMap<string, string>;
  readonly current: string;
}

/** A word in small letters for a value stands for itself: `-o json`. */
function completeValue({ choices, value = "" }: Option, at: At): Promise<Completion> {
  if (choices !== undefined) return gather([], choices, at);
  return /^[a-z]+$/.test(value) ? gather([], [value], at) : gather(value.split("|"), [], at);
}

async function gather(stands: readonly string[], words: readonly string[], at: At): Promise<Completion> {
  const found = await Promise.all(
    [...new Set(stands)].map((stand) =>
      candidatesFor(stand, { ...at, namespace: at.options.get("namespace") ?? "default", stands }),
    ),
  );
  const own = words.map((word): Candidate => [word]);
  const candidates = [...own, ...found.flatMap(({ names }) => names)];
  return { files: found.some(({ files }) => files), candidates };
}

function completeFlag(table: OptionTable, current: string): Completion {
  const flags = Object.entries(table).map(([flag, { help }]): Candidate => [`--${flag}`, help]);
  const short = Object.values(table).flatMap(({ short, help }): readonly Candidate[] =>
    short === undefined || current.startsWith("--") ? [] : [[`-${short}`, help]],
  );
  return { ...NOTHING, candidates: [...flags, ...short] };
}

/** Words without flags and their values; `value`: the flag at the end that still wants one. */
function readWords(words: readonly string[], table: OptionTable) {
  const positionals: string[] = [];
  let value: Option | undefined;
  for (const word of words) {
    const wasValue = value !== undefined;
    value = undefined;
    if (wasValue) continue;
    if (!/^-./.test(word)) positionals.push(word);
    else value = wantsValue(word, table);
  }
  return { positionals, value };
}

/** The option that takes the next word as its value. */
function wantsValue(word: string, table: OptionTable): Option | undefined {
  const option = word.startsWith("--") ? table[word.slice(2)] : shortOption(word, table);
  return option === undefined || option.kind === "boolean" || option.bare !== undefined ? undefined : option;
}

/** Of `-it`, `-n`: the last letter's, for a value goes on to the end of the word. */
const shortOption = (word: string, table: OptionTable): Option | undefined => {
  const byLetter = (letter: string | undefined) => Object.values(table).find(({ short }) => short === letter);
  const letters = [...word.slice(1)];
  if (letters.slice(0, -1).some((letter) => byLetter(letter)?.kind !== "boolean")) return undefined;
  return byLetter(letters.at(-1));
};

/** `--namespace=x`, `--namespace x`, `-n x`, `-nx`. */
function optionsOf(words: readonly string[], table: OptionTable): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [index, word] of words.entries())
    for (const [name, { short }] of Object.entries(table)) {
      const next = words[index + 1];
      if (word.startsWith(`--${name}=`)) values.set(name, word.slice(name.length + 3));
      else if ((word === `--${name}` || word === `-${short}`) && next !== undefined) values.set(name, next);
      else if (short !== undefined && !word.startsWith("--") && word.startsWith(`-${short}`) && word.length > 2)
        values.set(name, word.slice(2).replace(/^=/, ""));
    }
  return values;
}
