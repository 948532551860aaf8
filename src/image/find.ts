// What an argument means: a name, the id of an image, or the beginning of one.
import { PodrunError } from "../base/errors.ts";
import { nameOf, parseReference } from "./reference.ts";
import type { ImageRecord, ImageRecords } from "./types.ts";

/** docker and podman take shorter ones too; with three digits an id is hard to tell from a name. */
const SHORT_ID = /^(?:sha256:)?([a-f0-9]{4,64})$/;
const ID = /^sha256:[a-f0-9]{64}$/;

/** {@link nameOf} of a text. Throws InvalidImage. */
export const lookupName = (text: string): string => nameOf(parseReference(text));

/** By a pod's image field: a name, or the whole id. */
export function findByName(records: ImageRecords, reference: string): ImageRecord | undefined {
  return ID.test(reference) ? records.get(reference) : records.find(lookupName(reference));
}

export interface Found {
  readonly image: ImageRecord;
  /** The name that it was found by; absent: by its id. */
  readonly name?: string;
}

/** By a command's argument: a name, which goes first as Docker has it, or at least four digits of an id. Throws ImageNotFound, Conflict. */
export function findImage(records: ImageRecords, argument: string, embedded?: string): Found {
  const onlyId = argument.startsWith("sha256:") || /^[a-f0-9]{64}$/.test(argument);
  const name = onlyId ? undefined : lookupName(argument);
  const named = name === undefined ? undefined : records.find(name);
  if (named !== undefined && name !== undefined) return { image: named, name };
  const image = findById(records, argument);
  if (image === undefined) throw imageNotFound(records, argument, embedded);
  return { image };
}

function findById(records: ImageRecords, argument: string): ImageRecord | undefined {
  const digits = SHORT_ID.exec(argument)?.[1];
  if (digits === undefined) return undefined;
  if (digits.length === 64) return records.get(`sha256:${digits}`);
  const found = records.list().filter(({ image }) => image.id.startsWith(`sha256:${digits}`));
  if (found.length > 1) {
    const ids = found.map(({ image }) => image.id.slice("sha256:".length, "sha256:".length + 16));
    throw new PodrunError(
      "Conflict",
      `${found.length} images' ids begin with "${argument}": give more of ${ids.join(", ")}`,
      {
        details: { image: argument, found: ids },
      },
    );
  }
  return found[0]?.image;
}

/** So many names an error lists: a machine may have hundreds. */
const LISTED = 8;

export function imageNotFound(records: ImageRecords, image: string, embedded?: string): PodrunError {
  const named = records.list().flatMap(({ references }) => references.filter((name) => !name.includes("@")));
  const here = [...new Set([...named, ...(embedded === undefined ? [] : [embedded])])].sort();
  const more = here.length > LISTED ? ` and ${here.length - LISTED} more (podrun images)` : "";
  const list = `${here.slice(0, LISTED).join(", ") || "none"}${more}`;
  return new PodrunError(
    "ImageNotFound",
    `image "${image}" is not here; images that are: ${list}; podrun pull brings others`,
    { details: { image, here } },
  );
}
