import { realpathSync } from "node:fs";
import { PodrunError } from "../base/errors.ts";
import { MOUNT_ATTR_IDMAP } from "../linux/constants.ts";
import { mountOf, readMounts } from "../linux/mounts.ts";
import { PlanError } from "../linux/plan/failure.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import type { SandboxConfig } from "./types.ts";

/** What of the host a plan's failed idmapped mount was of, in words; any other error as it is. */
export function explainIdmap(
  error: unknown,
  plan: readonly Operation[],
  mapped: SandboxConfig["mapped"] = [],
): unknown {
  if (!(error instanceof PlanError)) return error;
  const failed = plan[error.operation];
  if (failed?.op !== "mount_setattr" || (failed.set & MOUNT_ATTR_IDMAP) === 0n) return error;
  const copy = plan.findLast(
    (one, index) => index < error.operation && one.op === "open_tree" && one.out === failed.dir,
  );
  if (copy?.op !== "open_tree") return error;
  const { path } = copy;
  const volume = mapped.find((one) => one.path === path)?.volume;
  const name = volume === undefined ? "" : `volume "${volume}": `;
  return new PodrunError(
    "KernelFeatureMissing",
    `${name}${path} is on a file system (${typeOf(path)}) that can't be mounted with the pod's own user ids: ${error.errno}; hostUsers: false needs one that takes idmapped mounts, as ext4, xfs and btrfs do, and tmpfs since Linux 6.3`,
    { details: { ...(volume !== undefined && { volume }), path, errno: error.errno }, cause: error },
  );
}

/** Asked when it has failed already: whatever goes wrong here must not take its place. */
function typeOf(path: string): string {
  try {
    return mountOf(readMounts(), realpathSync(path))?.type ?? "unknown";
  } catch {
    return "unknown";
  }
}
