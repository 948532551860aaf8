// Variables from files that an init container has written (EnvVarSource.fileKeyRef, KEP-3721).
import { PodrunError } from "../base/errors.ts";
import { readInside } from "../linux/read-inside.ts";
import { memoryVolumePath } from "../sandbox/pod-root-plan.ts";
import type { SandboxStatus } from "../sandbox/types.ts";
import type { FileKeyReference } from "../spec/index.ts";
import type { VolumeSources } from "./volumes.ts";

const MOST_FILE_BYTES = 1024 * 1024;
/** The kubelet's, for as long as EnvFiles is no final feature. */
const MOST_VALUE_BYTES = 32 * 1024;

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
    if (content === undefined) return undefined;
    const value = findVariable(textOf(content, path), key, path);
    if (value === undefined || Buffer.byteLength(value) <= MOST_VALUE_BYTES) return value;
    throw wrong(path, `the value of ${key} is larger than ${MOST_VALUE_BYTES} bytes`);
  };

function textOf(content: Buffer, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw wrong(path, "is not UTF-8");
  }
}

/**
 * The first variable of this name in an env file: lines `NAME='VALUE'`, spaces before them allowed, empty lines and lines that begin
 * with "#" left out; of what is in the quotes nothing is special, and it may go over several lines. What every POSIX shell
 * would read otherwise is wrong. What comes behind the variable is not looked at. Throws InvalidObject with the line.
 */
export function findVariable(text: string, key: string, path: string): string | undefined {
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const end = lineEnd(text, at);
    const shown = text.slice(at, end).replace(/^[ \t]+/, "");
    if (/^(#|\s*$)/.test(shown)) {
      at = end + 1;
      line++;
      continue;
    }
    const { name, value, next } = readVariable(text, at, (problem) => wrong(path, `line ${line}: ${problem}`));
    if (value.includes("\0")) throw wrong(path, `line ${line}: ${name} has a NUL byte, which no variable can hold`);
    if (name === key) return value;
    line += text.slice(at, next).split("\n").length - 1;
    at = next;
  }
  return undefined;
}

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
};

function readVariable(text: string, at: number, fail: (problem: string) => PodrunError) {
  const head = /^[ \t]*([^=\n]*)(=?)('?)/.exec(text.slice(at, lineEnd(text, at))) as RegExpExecArray;
  const [whole, name = "", equals, quote] = head;
  if (equals === "") throw fail("no \"=\"; write NAME='VALUE'");
  if (name === "") throw fail("no name before \"=\"; write NAME='VALUE'");
  if (/\s$/.test(name)) throw fail("a space before \"=\"; write NAME='VALUE'");
  if (quote === "") throw fail("the value must be in single quotes: NAME='VALUE'");
  const begin = at + whole.length;
  const end = text.indexOf("'", begin);
  if (end === -1) throw fail("the value's quote is not closed");
  const next = lineEnd(text, end);
  if (!/^\s*$|^[ \t]+#/.test(text.slice(end + 1, next)))
    throw fail("something behind the closing quote; a value is one text in single quotes");
  return { name, value: text.slice(begin, end), next: next + 1 };
}

const wrong = (path: string, text: string): PodrunError =>
  new PodrunError("InvalidObject", `env file "${path}": ${text}`, { details: { path } });
