import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Hands `use` the path of Debian's static busybox: the installed one, else one from a package that is only unpacked. */
export async function staticBusybox<Result>(use: (path: string) => Promise<Result>): Promise<Result> {
  const installed = await execa("dpkg-query", ["--listfiles", "busybox-static"], { reject: false });
  const path = installed.stdout.split("\n").find((line) => line.endsWith("bin/busybox") && existsSync(line));
  if (path !== undefined) return await use(path);

  const folder = mkdtempSync(join(tmpdir(), "podrun-busybox-"));
  try {
    // The ordinary `busybox` package and this one exclude each other: do not take the machine's away.
    await execa("apt-get", ["-q", "download", "busybox-static"], { cwd: folder });
    await execa("sh", ["-c", "dpkg-deb -x busybox-static_*.deb ."], { cwd: folder });
    return await use([join(folder, "usr/bin/busybox"), join(folder, "bin/busybox")].find(existsSync) ?? "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
