import { globSync, rmdirSync } from "node:fs";

/** Removes the empty cgroups of this name, and those below them, from every hierarchy. What is in use stays. */
export function removeCgroups(name: string): void {
  const folders = [`/sys/fs/cgroup/${name}`, ...globSync(`/sys/fs/cgroup/*/${name}`)];
  for (const top of folders)
    for (const folder of [...globSync(`${top}/**/`), top].sort((a, b) => b.length - a.length)) {
      try {
        rmdirSync(folder);
      } catch {
        // Somebody is in it, or it is not there.
      }
    }
}
