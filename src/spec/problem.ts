// What is wrong with an object: collected as data, worded with file and line at the end, thrown all at once.

import { type ErrorCode, PodrunError } from "../base/errors.ts";
import { parentPath } from "./path.ts";

export interface Problem {
  readonly code: ErrorCode;
  /** "" is the object as a whole. */
  readonly path: string;
  /** What is wrong and what would be right. */
  readonly text: string;
}

/** What was read of an object, or its problems; no object only together with a problem. */
export interface Reading<T> {
  readonly object?: T;
  readonly problems: readonly Problem[];
}

/** Where an object was read from. */
export interface Source {
  readonly file: string;
  /** Line (1-based) of a path such as spec.containers[0].image; undefined when the manifest has no such field. */
  lineOf(path: string): number | undefined;
}

/** No error lists more than this many problems; a huge wrong manifest would bury the first one. */
const MOST_PROBLEMS = 50;

/** A path has names of the manifest in it, which may be as long as the manifest. */
const LONGEST_PATH = 300;

/** `pod.yaml:12: spec.containers[0].prots: unknown field`; without a source (an API request) the path comes first. */
function describeProblem({ path, text }: Problem, source?: Source): string {
  const shown = path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}...` : path;
  const field = escapeControls(path === "" ? text : `${shown}: ${text}`);
  if (source === undefined) return field;
  const line = nearestLine(source, path);
  return line === undefined ? `${source.file}: ${field}` : `${source.file}:${line}: ${field}`;
}

/** Words problems for `details.problems` and for the message. */
export function describeProblems(problems: readonly Problem[], source?: Source): string[] {
  const lines = problems.slice(0, MOST_PROBLEMS).map((problem) => describeProblem(problem, source));
  return problems.length > MOST_PROBLEMS ? [...lines, `and ${problems.length - MOST_PROBLEMS} more`] : lines;
}

/** Throws one PodrunError for all problems, with the code of the first; returns when there is none. */
export function throwProblems(problems: readonly Problem[], source?: Source): void {
  const [first] = problems;
  if (first === undefined) return;
  const lines = describeProblems(problems, source);
  throw new PodrunError(first.code, lines.join("\n"), { details: { problems: lines, path: first.path } });
}

/** A manifest must not be able to steer the terminal that shows its errors (C1 controls, changes of writing direction). */
const escapeControls = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });

/** A missing field has no line of its own: the line of what should contain it is the next best. */
function nearestLine(source: Source, path: string): number | undefined {
  for (let at = path; ; at = parentPath(at)) {
    const line = source.lineOf(at);
    if (line !== undefined || at === "") return line;
  }
}

/** A broken rule of Kubernetes at a path. */
export const invalid = (path: string, text: string): Problem => ({ code: "InvalidObject", path, text });
