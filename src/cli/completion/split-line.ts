/**
 * The words of a shell's line as far as it is written, without quotes and backslashes; `current` is the last one, "" behind a
 * space. Only the last command of several counts.
 */
export function splitLine(line: string): { readonly words: readonly string[]; readonly current: string } {
  const words: string[] = [];
  let word = "";
  let isOpen = false;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] as string;
    if (quote !== "") {
      if (letter === quote) quote = "";
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      isOpen = true;
    } else if (letter === "\\") word += line[++at] ?? "";
    else if (/\s/.test(letter)) {
      if (word !== "" || isOpen) words.push(word);
      word = "";
      isOpen = false;
    } else if (/[;|&]/.test(letter)) {
      words.length = 0;
      word = "";
    } else word += letter;
  }
  return { words, current: word };
}
