import { PodrunError } from "../base/errors.ts";
import type { ImageContext } from "./context.ts";
import { findImage } from "./find.ts";
import { nameOf, parseReference } from "./reference.ts";

/** `target` means from now on what `source` means now. Throws ImageNotFound, InvalidImage, BadRequest for a target with a digest. */
export function tagImage({ records }: ImageContext, source: string, target: string, embedded?: string): void {
  const reference = parseReference(target);
  if (reference.digest !== undefined) {
    throw new PodrunError(
      "BadRequest",
      `"${target}": an image is named with a tag; a digest is not given, it is what the registry has`,
      {
        details: { target },
      },
    );
  }
  records.tag(nameOf(reference), findImage(records, source, embedded).image.id);
}
