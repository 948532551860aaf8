import { join } from "node:path";
import { listFolder } from "../../base/list-folder.ts";
import type { Parts } from "../parts.ts";
import type { Difference } from "./difference.ts";

/** Layers' folders and skeletons that are not on record, and records of layers whose folder or skeleton is not there. */
export function checkImages({ config, store, images }: Parts): Difference[] {
  const folders = join(config.root, "images/layers");
  const skeletons = join(config.root, "images/skeletons");
  const layers = store.images.layers();
  const known = new Set(layers.map(({ folder }) => folder));
  const [here, kept] = [new Set(listFolder(folders)), new Set(listFolder(skeletons))];
  const stray = [
    ...[...here].filter((name) => !known.has(name)).map((name) => join(folders, name)),
    ...[...kept].filter((name) => !known.has(name.replace(/\.zst$/, ""))).map((name) => join(skeletons, name)),
  ];
  const missing = layers.flatMap(({ digest, folder, tarSize }) => [
    ...(here.has(folder) ? [] : [{ digest, path: join(folders, folder) }]),
    ...(tarSize === undefined || kept.has(`${folder}.zst`) ? [] : [{ digest, path: join(skeletons, `${folder}.zst`) }]),
  ]);
  return [
    ...stray.map((path) => ({
      kind: "image",
      object: path,
      message: `${path} is there, but no layer on record has it`,
      repair: async () => void (await images.recover()),
    })),
    ...missing.map(({ digest, path }) => ({
      kind: "image",
      object: digest,
      message: `layer ${digest} is on record, but ${path} is not there; remove (podrun rmi) and pull again: ${usersOf(store, digest)}`,
    })),
  ];
}

function usersOf({ images }: Parts["store"], digest: string): string {
  const users = images.list().filter(({ image }) => image.layers.includes(digest));
  return users.map(({ image, references }) => references[0] ?? image.id).join(", ") || "no image; podrun image prune";
}
