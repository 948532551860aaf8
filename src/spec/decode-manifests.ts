import { PodrunError } from "../base/errors.ts";
import { readKubeObject } from "./decode.ts";
import { type ManifestDocument, parseManifests } from "./manifest.ts";
import type { KubeObject } from "./pod.ts";
import { describeProblems, type Problem } from "./problem.ts";

export interface DecodedDocument {
  readonly object: KubeObject;
  readonly document: ManifestDocument;
}

/**
 * All objects of a manifest, or none: throws one PodrunError with the problems of every document when any has one, so that
 * nothing is applied of a manifest that is half wrong. Throws InvalidYaml as {@link parseManifests} does, and for a file
 * without any object.
 */
export function decodeManifests(text: string | Uint8Array, file: string): DecodedDocument[] {
  const documents = parseManifests(text, file);
  if (documents.length === 0)
    throw new PodrunError(
      "InvalidYaml",
      `${file}: no object in it; write a manifest with apiVersion, kind, metadata and spec`,
    );
  const lines: string[] = [];
  const decoded: DecodedDocument[] = [];
  let first: Problem | undefined;
  for (const document of documents) {
    const { object, problems } = readKubeObject(document.object);
    first ??= problems[0];
    lines.push(...describeProblems(problems, document.source));
    if (object !== undefined) decoded.push({ object, document });
  }
  if (first !== undefined)
    throw new PodrunError(first.code, lines.join("\n"), { details: { problems: lines, path: first.path } });
  return decoded;
}
