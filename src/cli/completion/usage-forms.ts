// A command's usage lines, read: what may stand at each place behind the command's name. Shell completion goes by them.

/** What may stand at one place: words as they are (`info`), and what the capitals of the usage stand for (`POD`, `TYPE/NAME`). */
export interface Slot {
  readonly words: readonly string[];
  readonly stands: readonly string[];
  /** It may stand there again and again. */
  readonly isRepeated: boolean;
}

/** `name`: the command's, as it was written; a usage may have it under another one: `images` for `image ls`. */
export function readForm(usage: string, name: string): readonly Slot[] {
  const behind = usage.startsWith(`${name} `) ? usage.slice(name.length) : usage.replace(/^\S+/, "");
  // What a program in a container is given is its own.
  const [own = ""] = behind.split(/ \[?-- /);
  const tokens = own.match(/\([^)]*\)…?|\[[^\]]*\]…?(?= |$)|\S+/g) ?? [];
  return tokens
    .filter((token, index) => !/^\[?-/.test(token) && token !== "[flags]" && !isFlagValue(tokens, index))
    .map(readSlot)
    .filter(({ words, stands }) => words.length + stands.length > 0);
}

/** `FILE…` of `-f FILE…`. */
const isFlagValue = (tokens: readonly string[], index: number): boolean =>
  /^-[^=]*$/.test(tokens[index - 1] ?? "") && !/^[([]/.test(tokens[index] ?? "");

function readSlot(token: string): Slot {
  // `[NAME…]` is `NAME…`, and `TYPE[,TYPE…]` a type.
  const text = token.replace(/^[([](.*)[)\]](…?)$/, "$1$2").replace(/\[[^\]]*\]$/, "");
  const choices = text
    .split("|")
    .map((one) => one.trim())
    .filter((one) => one !== "" && !one.startsWith("-"))
    .map((one) => one.replace(/…$/, ""));
  return {
    words: choices.filter((one) => /^[a-z][a-z-]*$/.test(one)),
    stands: choices.filter((one) => /^[A-Z]/.test(one)),
    isRepeated: text.endsWith("…"),
  };
}

/** What may stand behind these words, by all forms whose own words agree with them. `isSame`: whether two words mean one type. */
export function slotsBehind(
  forms: readonly (readonly Slot[])[],
  before: readonly string[],
  isSame: (a: string, b: string) => boolean,
): readonly Slot[] {
  return forms.flatMap((form) => {
    const at = (index: number): Slot | undefined => {
      const repeated = form.findIndex(({ isRepeated }) => isRepeated);
      return form[repeated === -1 ? index : Math.min(index, repeated)];
    };
    const agrees = before.every((word, index) => {
      const slot = at(index);
      if (slot === undefined) return true;
      const stands = slot.stands.some((one) => one !== "TYPE/NAME" || word.includes("/"));
      return stands || slot.words.some((one) => isSame(one, word));
    });
    const slot = agrees ? at(before.length) : undefined;
    return slot === undefined ? [] : [slot];
  });
}
