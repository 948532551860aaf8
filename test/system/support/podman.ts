import { execFileSync, type StdioOptions } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Teardown } from "./podrun.ts";

/** podman with a storage of the test's own; nothing of it is left when the test ends. */
export class Podman {
  readonly #options: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #mounted: string[] = [];

  constructor(t: Teardown, driver: "overlay" | "vfs" = "overlay") {
    const folder = mkdtempSync(join(tmpdir(), "podrun-podman-"));
    // An empty file: the machine's own options (a mount program, other stores) do not count.
    writeFileSync(
      join(folder, "storage.conf"),
      `[storage]
driver = "${driver}"
graphroot = "${folder}/root"
runroot = "${folder}/run"
`,
    );
    const folders = ["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--tmpdir", join(folder, "tmp")];
    this.#options = [
      ...folders,
      "--storage-driver",
      driver,
      "--cgroup-manager",
      "cgroupfs",
      "--events-backend",
      "none",
    ];
    this.#env = { ...process.env, CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"), TMPDIR: folder };
    t.teardown(() => {
      for (const reference of this.#mounted) this.run("image", "unmount", "--force", reference);
      // overlay leaves its folder mounted on itself.
      for (const path of [join(folder, "root/overlay"), join(folder, "root")]) {
        try {
          execFileSync("umount", ["-R", "-l", path], { stdio: "ignore" });
        } catch {
          // It was no mount.
        }
      }
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** Runs podman, which must succeed; its stdout. */
  run(...args: readonly string[]): string {
    const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
    const options = { env: this.#env, stdio, maxBuffer: 1 << 26 };
    return execFileSync("podman", [...this.#options, ...args], options)
      .toString("utf8")
      .trim();
  }

  /** Pulls over plain HTTP, or whatever certificate. The image's id. */
  pull(reference: string): string {
    return `sha256:${this.run("pull", "--quiet", "--tls-verify=false", reference)}`;
  }

  /** Where the image's merged tree is mounted, for reading. */
  mount(reference: string): string {
    const path = this.run("image", "mount", reference);
    this.#mounted.push(reference);
    return path;
  }
}
