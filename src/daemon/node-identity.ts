import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { arch, release } from "node:os";
import { timestamp } from "../base/clock.ts";
import { errnoOf } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import type { NodeIdentity } from "../pod/index.ts";
import { ARCHITECTURES } from "./node-placement.ts";

/** Who this machine is. `root`: the state folder; the Node is as old as it, and has the same uid as long as it is there. */
export function readNodeIdentity(name: string, root: string): NodeIdentity {
  const { birthtimeMs, ino } = statSync(root);
  const machineID = readText("/etc/machine-id");
  return {
    uid: uuidOf(`${machineID} ${name} ${root} ${ino} ${birthtimeMs}`),
    createdAt: timestamp(birthtimeMs),
    readySince: timestamp(Date.now()),
    info: {
      machineID,
      systemUUID: readText("/sys/class/dmi/id/product_uuid"),
      bootID: readText("/proc/sys/kernel/random/boot_id"),
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(readText("/etc/os-release"))?.[1] ?? "Linux",
      containerRuntimeVersion: `podrun://${VERSION}`,
      kubeletVersion: `v${VERSION}`,
      operatingSystem: "linux",
      architecture: ARCHITECTURES[arch()] ?? arch(),
    },
  };
}

/** A UUID of version 8 (RFC 9562): the digits are a hash. */
function uuidOf(text: string): string {
  const digits = createHash("sha256").update(text).digest("hex");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}

/** "": this machine has none, or keeps it from us. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return "";
    throw error;
  }
}
