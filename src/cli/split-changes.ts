/** `pod web a=b c-`: types and names, and what comes from the first change on. */
export function splitChanges(positionals: readonly string[], isChange: (word: string) => boolean) {
  const first = positionals.findIndex(isChange);
  const at = first === -1 ? positionals.length : first;
  return { words: positionals.slice(0, at), changes: positionals.slice(at) };
}
