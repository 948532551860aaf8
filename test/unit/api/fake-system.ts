import type { SystemService } from "../../../src/pod/types.ts";

/** The machine, as far as `podrun system` shows it. */
export class FakeSystem implements SystemService {
  shutdowns = 0;
  findings: readonly { kind: string; object: string; message: string; repaired?: boolean }[] = [];
  async info() {
    return {
      version: "0.0.1",
      daemon: { pid: 1, startedAt: "2026-11-21T08:00:00Z", socket: "/s" },
      cgroup: { version: "v1" },
      kernel: { release: "6.1", architecture: "x86_64" },
      features: { nftables: true },
    };
  }
  async check() {
    return this.findings;
  }
  async repair() {
    return this.findings.map((finding) => ({ ...finding, repaired: true }));
  }
  shutdown(): void {
    this.shutdowns++;
  }
}
