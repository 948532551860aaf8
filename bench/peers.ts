import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Containerd } from "./containerd.ts";
import type { Contender } from "./contender.ts";
import { Podman } from "./podman.ts";

const ARCHIVE = join(import.meta.dirname, "..", "dist", "base-image.tar");

/** The peers that this machine has installed, each with its state below `work`. Those that can't be started are named and left out. */
export async function openPeers(work: string, say: (text: string) => void): Promise<Contender[]> {
  const peers: Contender[] = [];
  const programs = { containerd: Containerd, podman: Podman } as const;
  for (const [program, peer] of Object.entries(programs)) {
    const { stdout, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
    if (error) {
      say(`${program}: not installed`);
      continue;
    }
    try {
      peers.push(await peer.open(join(work, program), ARCHIVE));
      say(stdout.trim());
    } catch (reason) {
      say(`${program}: left out: ${reason instanceof Error ? reason.message : reason}`);
    }
  }
  return peers;
}
