/** One challenge of a WWW-Authenticate header. Scheme and parameters' names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))/y;
const BETWEEN = /[ \t,]*/y;
const SPACES = / +/y;

/**
 * The challenges of WWW-Authenticate (RFC 9110, 11.6.1): several in one header are told apart by what follows a word: `=` makes
 * it a parameter, a space a scheme. What cannot be read ends the list; what came before it counts.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(header) ?? undefined;
    if (match !== undefined) position = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(BETWEEN);
    if (position >= header.length) return challenges;
    const parameter = take(PARAMETER);
    const last = challenges.at(-1);
    if (parameter !== undefined) {
      if (last === undefined) return challenges;
      const [, name = "", quoted, bare = ""] = parameter;
      last.parameters[name.toLowerCase()] ??= quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
      continue;
    }
    const scheme = take(TOKEN)?.[0];
    if (scheme === undefined) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    if (take(SPACES) === undefined) continue;
    // Negotiate and its kin carry one word in the place of parameters; a word before a comma is no parameter either.
    take(TOKEN68);
  }
}
