import { readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

/** How many huge pages of a size the kernel has set aside (/sys/kernel/mm/hugepages); 0 where it has no such size. */
export function hugepageCount(kibibytes: number): number {
  try {
    return Number(readFileSync(`/sys/kernel/mm/hugepages/hugepages-${kibibytes}kB/nr_hugepages`, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return 0;
    throw error;
  }
}
