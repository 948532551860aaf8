import type { PlanSources } from "./types.ts";

/** Where the fields of one pod stand in its file: `spec.hostNetwork` → `pod.yaml:7`. */
export type FieldSources = PlanSources[number];

/**
 * Says for `podrun plan` why something is as it is: `pod.yaml:7 spec.hostNetwork` where the manifest is known, the field
 * alone where only the object is, and `otherwise` where the field is not set.
 */
export class Reasons {
  readonly #sources: FieldSources | undefined;

  constructor(sources?: FieldSources) {
    this.#sources = sources;
  }

  /** `set`: whether the object has a value for the field. A default that the object was given counts as not set when the file is known. */
  of(path: string, set: boolean, otherwise: string): string {
    const line = this.#sources?.[path];
    if (line !== undefined) return `${line} ${path}`;
    return set && this.#sources === undefined ? path : otherwise;
  }
}
