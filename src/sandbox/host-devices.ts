import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { HostDevice } from "./facts.ts";

/** Folders of /dev that every container has its own of. */
const OWN = new Set(["pts", "shm", "mqueue", "fd"]);
/** The container's own, whatever the host's is. */
const OWN_FILES = new Set(["console", "ptmx"]);

/** The device nodes of the host, as a privileged container gets them (containerd and CRI-O do the same). */
export function listHostDevices(folder = "/dev", prefix = ""): readonly HostDevice[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = prefix + entry.name;
    if (entry.isDirectory()) return OWN.has(path) ? [] : listHostDevices(join(folder, entry.name), `${path}/`);
    if (!(entry.isCharacterDevice() || entry.isBlockDevice()) || OWN_FILES.has(path)) return [];
    return [hostDevice(path, lstatSync(join(folder, entry.name)))];
  });
}

function hostDevice(path: string, { mode, rdev, uid, gid }: Stats): HostDevice {
  // glibc's gnu_dev_major and gnu_dev_minor, which is how the kernel spreads the bits (linux/kdev_t.h, new_decode_dev).
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  return { path, mode, major, minor, uid, gid };
}
