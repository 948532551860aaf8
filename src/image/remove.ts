import { PodrunError } from "../base/errors.ts";
import type { ImageContext } from "./context.ts";
import { Removal } from "./delete-image.ts";
import { findImage } from "./find.ts";
import type { ImageRecord, RemovedImages } from "./types.ts";

/**
 * Removes a name, and with the last one the image; or, by its id, the image. As `docker rmi`, but that force never takes an
 * image from a container. Throws ImageNotFound, ImageInUse, Conflict.
 */
export function removeImage(
  context: ImageContext,
  argument: string,
  { force = false, embedded }: { readonly force?: boolean | undefined; readonly embedded?: string | undefined },
): Promise<RemovedImages> {
  const { image, name } = findImage(context.records, argument, embedded);
  const names = context.records.list().find((one) => one.image.id === image.id)?.references ?? [];
  const removal = new Removal(context);
  const going = name === undefined ? names : namesThatGo(names, name);
  if (name === undefined) requireOneName(image, names, force);
  if (going.length < names.length) {
    removal.untag(going);
  } else {
    requireUnused(context, image, argument);
    removal.delete(image.id, names);
  }
  return removal.done();
}

/** With a repository's last tag go its digests: nobody has asked for them by themselves. */
function namesThatGo(names: readonly string[], name: string): readonly string[] {
  const repository = repositoryOf(name);
  const siblings = names.filter((one) => one !== name && repositoryOf(one) === repository);
  return siblings.some((one) => !one.includes("@")) ? [name] : [name, ...siblings];
}

/** The name without tag and digest. */
export const repositoryOf = (name: string): string => name.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

function requireOneName(image: ImageRecord, names: readonly string[], force: boolean): void {
  const tags = names.filter((name) => !name.includes("@"));
  const repositories = new Set(names.map(repositoryOf));
  if (force || (tags.length <= 1 && repositories.size <= 1)) return;
  throw new PodrunError(
    "Conflict",
    `image ${image.id.slice("sha256:".length, "sha256:".length + 12)} has several names (${names.join(", ")}): remove them by name, or all with --force`,
    { details: { image: image.id, names } },
  );
}

function requireUnused({ use }: ImageContext, image: ImageRecord, argument: string): void {
  if (!use.isUsed(image.id)) return;
  const users = use.containers(image.id).map(({ container, pod }) => `container "${container}" of pod "${pod}"`);
  const why =
    users.length > 0
      ? `is used by ${users.join(", ")}; delete the pod first`
      : "is being saved, or a container is being created from it; try again when that is done";
  throw new PodrunError("ImageInUse", `image "${argument}" ${why}`, {
    details: { image: argument, id: image.id, users },
  });
}
