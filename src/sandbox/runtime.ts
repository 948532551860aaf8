import type { Operation } from "../linux/plan/operations.gen.ts";
import type { Context, Dependencies } from "./context.ts";
import { copy } from "./copy.ts";
import { createContainer } from "./create-container.ts";
import { attach, exec } from "./exec.ts";
import { LiveContainers } from "./live-containers.ts";
import { findContainer, findSandbox } from "./lookup.ts";
import { planPod } from "./plan-pod.ts";
import { portForward } from "./port-forward.ts";
import { recover } from "./recover.ts";
import { removeContainer } from "./remove-container.ts";
import { removeSandbox, stopSandbox } from "./remove-sandbox.ts";
import { resize } from "./resize.ts";
import { runSandbox } from "./run-sandbox.ts";
import { sandboxStats } from "./sandbox-stats.ts";
import { startContainer } from "./start-container.ts";
import { containerStatus, sandboxStatus } from "./status.ts";
import { stopContainer } from "./stop-container.ts";
import type * as types from "./types.ts";
import { writeVolumes } from "./write-volumes.ts";

/** The runtime proper. Each verb is a file of its own; this one only finds the objects and hands them on. */
export class Runtime implements types.RuntimeService {
  readonly #context: Context;
  readonly #listeners: ((event: types.RuntimeEvent) => void)[] = [];

  constructor(dependencies: Dependencies) {
    this.#context = {
      ...dependencies,
      live: { sandboxes: new Map(), containers: new LiveContainers() },
      emit: (event) => {
        for (const listener of this.#listeners) listener(event);
      },
    };
  }

  on(listener: (event: types.RuntimeEvent) => void): void {
    this.#listeners.push(listener);
  }

  recover(): Promise<void> {
    return recover(this.#context);
  }

  async runSandbox(
    config: types.SandboxConfig,
    meanwhile?: (sandbox: types.SandboxStatus) => void,
  ): Promise<types.SandboxStatus> {
    const sandbox = await runSandbox(this.#context, config, ({ record }) => meanwhile?.(sandboxStatus(record)));
    return sandboxStatus(sandbox.record);
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = this.#context.live.sandboxes.get(id);
    if (sandbox) await stopSandbox(this.#context, sandbox);
  }

  async removeSandbox(id: string): Promise<void> {
    const sandbox = this.#context.live.sandboxes.get(id);
    if (sandbox) await removeSandbox(this.#context, sandbox);
  }

  sandboxStatus(id: string): types.SandboxStatus {
    return sandboxStatus(findSandbox(this.#context, id).record);
  }

  listSandboxes(): readonly types.SandboxStatus[] {
    return [...this.#context.live.sandboxes.values()].map(({ record }) => sandboxStatus(record));
  }

  writeVolumes(sandboxId: string, volumes: Readonly<Record<string, types.VolumeTree>>): Promise<void> {
    return writeVolumes(this.#context, findSandbox(this.#context, sandboxId), volumes);
  }

  writtenVolumes(sandboxId: string): ReadonlySet<string> {
    return new Set(Object.keys(findSandbox(this.#context, sandboxId).record.volumes ?? {}));
  }

  resize(sandboxId: string, request: types.ResizeRequest): Promise<void> {
    return resize(this.#context, findSandbox(this.#context, sandboxId), request);
  }

  async createContainer(sandboxId: string, config: types.ContainerConfig): Promise<string> {
    return createContainer(this.#context, findSandbox(this.#context, sandboxId), config).record.id;
  }

  async startContainer(id: string): Promise<types.ContainerStatus> {
    const container = findContainer(this.#context, id);
    await startContainer(this.#context, findSandbox(this.#context, container.record.sandboxId), container);
    return containerStatus(container.record);
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const container = this.#context.live.containers.get(id);
    if (container) await stopContainer(this.#context, container, graceSeconds);
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#context.live.containers.get(id);
    if (container) await removeContainer(this.#context, container);
  }

  containerStatus(id: string): types.ContainerStatus {
    return containerStatus(findContainer(this.#context, id).record);
  }

  listContainers(sandboxId?: string): readonly types.ContainerStatus[] {
    const { containers } = this.#context.live;
    const found = sandboxId === undefined ? [...containers.values()] : containers.of(sandboxId);
    return found.map(({ record }) => containerStatus(record));
  }

  exec(containerId: string, request: types.ExecRequest): Promise<types.StreamSession> {
    const container = findContainer(this.#context, containerId);
    return exec(this.#context, findSandbox(this.#context, container.record.sandboxId), container, request);
  }

  attach(containerId: string, options: { readonly stdin: boolean }): Promise<types.StreamSession> {
    const container = findContainer(this.#context, containerId);
    return attach(findSandbox(this.#context, container.record.sandboxId), container, options);
  }

  copy(containerId: string, request: types.CopyRequest): Promise<types.CopySession> {
    const container = findContainer(this.#context, containerId);
    return copy(this.#context, findSandbox(this.#context, container.record.sandboxId), container, request);
  }

  async portForward(sandboxId: string, port: number): Promise<types.StreamSession> {
    return portForward(findSandbox(this.#context, sandboxId), port);
  }

  plan(
    sandbox: types.SandboxConfig,
    containers: readonly types.ContainerConfig[],
    volumes: Readonly<Record<string, types.VolumeTree>> = {},
  ): readonly Operation[] {
    return planPod(this.#context, sandbox, containers, volumes);
  }

  stats(sandboxId?: string): readonly types.SandboxStats[] {
    return sandboxStats(this.#context, sandboxId);
  }

  trace(sandboxId: string): readonly types.TracedOperation[] {
    return findSandbox(this.#context, sandboxId).trace.list();
  }
}
