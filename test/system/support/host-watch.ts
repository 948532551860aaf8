import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Teardown } from "./podrun.ts";
import { compareTrees, listTree } from "./tree.ts";

/** What a bad image might write on the host: a folder with bait in it, and the names and modes of what is in /etc and /dev. */
export class HostWatch {
  /** Absolute; in / because an archive's own root may resolve to there. */
  readonly bait: string;
  readonly #before: readonly string[];
  readonly #baitBefore;

  constructor(t: Teardown) {
    this.bait = mkdtempSync("/var/tmp/podrun-bait-");
    t.teardown(() => rmSync(this.bait, { recursive: true, force: true }));
    writeFileSync(join(this.bait, "secret"), "of the host\n", { mode: 0o600 });
    writeFileSync(join(this.bait, "suid"), "no\n", { mode: 0o755 });
    symlinkSync("secret", join(this.bait, "link"));
    this.#baitBefore = listTree(this.bait);
    this.#before = listing();
  }

  /** What is otherwise than it was; none when the host is untouched. */
  changes(): readonly string[] {
    const now = listing();
    return [
      ...compareTrees(this.#baitBefore, listTree(this.bait)).map((line) => `${this.bait}: ${line}`),
      ...now.filter((line) => !this.#before.includes(line)).map((line) => `new or changed: ${line}`),
      ...this.#before.filter((line) => !now.includes(line)).map((line) => `gone or changed: ${line}`),
    ];
  }
}

/** Terminals come and go meanwhile; times of /etc change when somebody installs something. */
function listing(): readonly string[] {
  const etc = find("/etc", "%p %y %m %U %G %s %l %n");
  const dev = find("/dev", "%p %y %l").filter((line) => !line.startsWith("/dev/pts/") && !line.startsWith("/dev/shm/"));
  const top = execFileSync("find", ["/", "-maxdepth", "1", "-printf", "%p %y %m %l\n"], { encoding: "utf8" });
  return [...etc, ...dev, ...top.split("\n")];
}

const find = (folder: string, format: string): readonly string[] =>
  execFileSync("find", [folder, "-xdev", "-printf", `${format}\n`], { encoding: "utf8" }).split("\n");
