// Variables from files that an init container has written (EnvVarSource.fileKeyRef, KEP-3721).
import { PodrunError } from "../base/errors.ts";
import { readInside } from "../linux/read-inside.ts";
import { memoryVolumePath } from "../sandbox/pod-root-plan.ts";
import type { SandboxStatus } from "../sandbox/types.ts";
import type { FileKeyReference } from "../spec/index.ts";
import type { VolumeSources } from "./volumes.ts";

const MOST_FILE_BYTES = 1024 * 1024;

/** Undefined: there is no such file, or no such key in it. Throws InvalidObject. */
export type EnvFiles = (reference: FileKeyReference) => string | undefined;

/** Of the volumes of a pod whose sandbox is there, or is being made: those in memory are empty then. */
export const envFiles =
  (volumes: VolumeSources, { pausePid }: Pick<SandboxStatus, "pausePid">): EnvFiles =>
  ({ volumeName, path, key }) => {
    const source = volumes.get(volumeName)?.source;
    const folder =
      source?.kind === "host" ? source.path : pausePid > 0 ? memoryVolumePath(pausePid, volumeName) : undefined;
    const content = folder === undefined ? undefined : readInside(folder, path, MOST_FILE_BYTES);
    return content === undefined ? undefined : findVariable(textOf(content, path), key, path);
  };

function textOf(content: Buffer, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw wrong(path, "is not UTF-8");
  }
}

/**
 * The first variable of this name in an env file, by the kubelet's rules (pkg/kubelet/util/env): lines `NAME='VALUE'`, spaces before
 * them allowed, empty lines and lines that begin with "#" left out; of what is in the quotes nothing is special, and it may go
 * over several lines. What comes behind the variable is not looked at. Throws InvalidObject with the line.
 */
export function findVariable(text: string, key: string, path: string): string | undefined {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = (lines[index] as string).replace(/^[ \t]+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const fail = (problem: string): PodrunError => wrong(path, `line ${index + 1}: ${problem}`);
    const [, name = "", equals, begin = ""] = /^([^=]*)(=?)(.*)$/s.exec(line) ?? [];
    if (equals === "") throw fail("no \"=\"; write NAME='VALUE'");
    if (name === "") throw fail("no name before \"=\"; write NAME='VALUE'");
    if (/[ \t]$/.test(name)) throw fail("a space before \"=\"; write NAME='VALUE'");
    // To a shell the name is empty then, and to the kubelet it is not there.
    if (/^[ \t]/.test(begin) && name !== key) continue;
    if (!begin.startsWith("'")) throw fail("the value must be in single quotes: NAME='VALUE'");
    const { value, last } = quoted(lines, index, begin.slice(1), fail);
    if (value.includes("\0")) throw fail(`${name} has a NUL byte, which no variable can hold`);
    if (name === key) return value;
    index = last;
  }
  return undefined;
}

/** What is in quotes that were opened before `first`, in line `index`, and the line in which they end. */
function quoted(lines: readonly string[], index: number, first: string, fail: (problem: string) => PodrunError) {
  const parts = [first];
  let last = index;
  while (!(parts.at(-1) as string).includes("'")) {
    const next = lines[++last];
    if (next === undefined) throw fail("the value's quote is not closed");
    parts.push(next);
  }
  const end = parts.pop() as string;
  const close = end.indexOf("'");
  if (!/^[ \t]*(#.*)?$/s.test(end.slice(close + 1)))
    throw fail("something behind the closing quote; a value is one text in single quotes");
  return { value: [...parts, end.slice(0, close)].join("\n"), last };
}

const wrong = (path: string, text: string): PodrunError =>
  new PodrunError("InvalidObject", `env file "${path}": ${text}`, { details: { path } });
