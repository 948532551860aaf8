import { join } from "node:path";
import { listFolder } from "../base/list-folder.ts";
import { removeTree } from "../base/remove-tree.ts";
import type { Context } from "./context.ts";

/**
 * Removes what containers wrote that no record knows any more: records are on /run, so after a reboot that is all of it. The
 * folders of this moment are meant, none that is made later; they go beside everything else, one after the other.
 */
export function removeForgotten(context: Context): void {
  const parent = join(context.facts.config.root, "containers");
  const known = new Set(context.containers.list().map(({ id }) => id));
  const forgotten = listFolder(parent).filter((name) => !known.has(name));
  const removeAll = async (): Promise<void> => {
    for (const name of forgotten) await removeTree(join(parent, name));
  };
  removeAll().catch((error: unknown) => {
    context.log.warn("what containers left before the last boot can't be removed", {
      folder: parent,
      error: String(error),
    });
  });
}
