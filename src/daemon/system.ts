import { apiSocket } from "../base/config.ts";
import { type Feature, kernelInfo } from "../linux/kernel.ts";
import type { Finding, SystemInfo, SystemService } from "../pod/index.ts";
import type { Parts } from "./parts.ts";
import { checkSystem, repairSystem } from "./system-check.ts";

export interface SystemOptions {
  readonly version: string;
  readonly features: readonly Feature[];
  readonly onShutdown: () => void;
}

/** `podrun system`: what the daemon says of itself and of the machine. */
export class System implements SystemService {
  readonly #parts: Parts;
  readonly #options: SystemOptions;
  readonly #startedAt = new Date().toISOString();

  constructor(parts: Parts, options: SystemOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async info(): Promise<SystemInfo> {
    const { config, facts, runtime, pods, store } = this.#parts;
    const { release, machine } = kernelInfo();
    const { mode, controllers, favordynmods, unified } = facts.cgroups;
    return {
      version: this.#options.version,
      daemon: { pid: process.pid, startedAt: this.#startedAt, socket: apiSocket(config) },
      cgroup: {
        version: mode,
        mode,
        controllers: [...controllers].sort(),
        parent: config.cgroup,
        favordynmods,
        ...(unified !== undefined && { unified }),
      },
      kernel: { release, architecture: machine, mtu: facts.mtu },
      node: process.version,
      features: Object.fromEntries(this.#options.features.map(({ name, ...feature }) => [name, feature])),
      config,
      counts: {
        pods: pods.list().length,
        sandboxes: runtime.listSandboxes().length,
        leases: store.leases.list().length,
      },
    };
  }

  check(): Promise<readonly Finding[]> {
    return checkSystem(this.#parts);
  }

  repair(): Promise<readonly Finding[]> {
    return repairSystem(this.#parts);
  }

  shutdown(): void {
    this.#options.onShutdown();
  }
}
