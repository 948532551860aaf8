// Manifests: YAML or JSON text in, plain values with the line of every field out.

import { type Document, LineCounter, parseAllDocuments, type YAMLError } from "yaml";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { ManifestSource } from "./manifest-source.ts";
import type { Source } from "./problem.ts";
import { type Conversion, convertDocument } from "./yaml-value.ts";

/** The most bytes of one manifest: the limit of a request body in Kubernetes' API server. A thousand pods fit in. */
export const MANIFEST_LIMIT = 3 * 1024 * 1024;

export interface ManifestDocument {
  readonly object: unknown;
  readonly source: Source;
  /** Which of the file's objects it is, from 0; empty documents don't count, each item of a List does. */
  readonly index: number;
}

/**
 * The objects of a manifest: YAML documents or JSON, a List taken apart, empty documents left out. Nothing is returned
 * unless every document can be read: throws InvalidYaml with file and line, naming the document where there are several.
 *
 * YAML is read as 1.2 (core schema): `yes`, `on` and `off` are strings, where kubectl's YAML 1.1 makes them booleans. Two
 * things follow kubectl, because a silent difference would do harm: `0644` is octal, and `<<` merges.
 */
export function parseManifests(text: string | Uint8Array, file: string): ManifestDocument[] {
  const yaml = readText(text, file);
  const lines = new LineCounter();
  const documents = composeDocuments(yaml, file, lines);
  const converted = documents
    .map((document, index) => convertOne(document, { file, lines, index, count: documents.length }))
    .filter(({ value }) => value !== null && value !== undefined);
  const objects = converted.flatMap(({ value, lines: fieldLines }) =>
    takeApart(value, new ManifestSource(file, fieldLines)),
  );
  return objects.map((object, index) => ({ ...object, index }));
}

/** Refuses what is too big, binary or not UTF-8 before the YAML parser sees it. */
function readText(input: string | Uint8Array, file: string): string {
  const size = typeof input === "string" ? Buffer.byteLength(input) : input.byteLength;
  if (size > MANIFEST_LIMIT) {
    const megabytes = (size / 1024 / 1024).toFixed(1);
    throw new PodrunError(
      "InvalidYaml",
      `${file}: ${megabytes} MiB is too big for a manifest; ${MANIFEST_LIMIT / 1024 / 1024} MiB are the most`,
    );
  }
  let text: string;
  try {
    text = typeof input === "string" ? input : new TextDecoder("utf-8", { fatal: true }).decode(input);
  } catch (cause) {
    throw new PodrunError("InvalidYaml", `${file}: not a manifest: the file is not UTF-8 text`, { cause });
  }
  // YAML 1.2, section 5.1: of the control characters only tab and line ends are allowed.
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/.exec(text);
  if (control === null) return text;
  const line = text.slice(0, control.index).split("\n").length;
  const code = control[0].charCodeAt(0).toString(16).padStart(2, "0");
  throw new PodrunError("InvalidYaml", `${file}:${line}: not a manifest: binary data (byte 0x${code})`, {
    details: { file, line },
  });
}

function composeDocuments(yaml: string, file: string, lineCounter: LineCounter): Document[] {
  try {
    // uniqueKeys compares each key with each, which takes minutes for a manifest of short lines: convertDocument does it.
    const documents = parseAllDocuments(yaml, {
      lineCounter,
      uniqueKeys: false,
      merge: true,
      prettyErrors: false,
      logLevel: "silent",
    });
    return Array.isArray(documents) ? documents : [];
  } catch (cause) {
    if (cause instanceof RangeError) throw new PodrunError("InvalidYaml", `${file}: nested too deeply`, { cause });
    throw cause;
  }
}

interface Place {
  readonly file: string;
  readonly lines: LineCounter;
  readonly index: number;
  readonly count: number;
}

function convertOne(document: Document, place: Place): Conversion {
  // A warning of the parser is an unknown tag or directive: what it would make of the value is a guess.
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) throw invalid(place, wrong.pos[0], wordError(wrong));
  const conversion = convertDocument(document, place.lines);
  const [problem] = conversion.problems;
  if (problem !== undefined) throw invalid(place, problem.offset, problem.text);
  return conversion;
}

function invalid({ file, lines, index, count }: Place, offset: number, text: string): PodrunError {
  const { line } = lines.linePos(offset);
  const which = count > 1 ? `document ${index + 1} of ${count}: ` : "";
  return new PodrunError("InvalidYaml", `${file}:${line}: ${which}${text}`, {
    details: { file, line, document: index + 1 },
  });
}

function wordError(error: YAMLError): string {
  // The parser reports the end of the stack as an error of the document.
  if (error.message.startsWith("Maximum call stack")) return "nested too deeply";
  if (error.code === "TAB_AS_INDENT") return "a tab is used as indentation; YAML allows spaces only";
  if (error.code === "TAG_RESOLVE_FAILED") return `${error.message}; podrun takes plain YAML only`;
  return `not YAML: ${error.message.split("\n")[0]}`;
}

/** The items of a List (what `get -o yaml` prints for several objects), or the object itself. */
function takeApart(object: unknown, source: ManifestSource): { object: unknown; source: Source }[] {
  if (!isJsonObject(object) || typeof object["kind"] !== "string" || object["apiVersion"] !== "v1")
    return [{ object, source }];
  if (!/^(Pod|ConfigMap|Secret)?List$/.test(object["kind"]) || !Array.isArray(object["items"]))
    return [{ object, source }];
  return object["items"].map((item: unknown, index) => ({ object: item, source: source.below(`items[${index}]`) }));
}
