import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import type * as types from "../../../src/sandbox/types.ts";

/** A runtime without a kernel: it remembers what it was asked, and its containers end when a test says so. */
export class FakeRuntime implements types.RuntimeService {
  readonly calls: string[] = [];
  /** Called before each call is carried out; a test throws from it, or waits in it. */
  before: (call: string) => void | Promise<void> = () => undefined;
  /** What was written last, by sandbox and volume. */
  readonly volumes = new Map<string, Readonly<Record<string, types.VolumeTree>>>();
  readonly sandboxes = new Map<string, types.SandboxStatus>();
  readonly containers = new Map<string, types.ContainerStatus>();
  readonly configs: { sandbox?: types.SandboxConfig; containers: types.ContainerConfig[] } = { containers: [] };
  /** Exit code of containers that end as soon as they are started. */
  exitAtOnce: number | undefined;
  now = (): number => Date.parse("2026-01-01T00:00:00Z");
  readonly #listeners: ((event: types.RuntimeEvent) => void)[] = [];
  #ids = 0;

  /** What a test says is used. */
  readonly usage: types.SandboxStats[] = [];

  stats(sandboxId?: string): readonly types.SandboxStats[] {
    return this.usage.filter(({ id }) => sandboxId === undefined || id === sandboxId);
  }

  async #call(text: string): Promise<void> {
    this.calls.push(text);
    await this.before(text);
  }

  on(listener: (event: types.RuntimeEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(event: types.RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async runSandbox(config: types.SandboxConfig): Promise<types.SandboxStatus> {
    await this.#call("runSandbox");
    this.configs.sandbox = config;
    const status: types.SandboxStatus = {
      id: config.metadata.uid,
      metadata: config.metadata,
      state: "ready",
      createdAt: new Date(this.now()).toISOString(),
      addresses: config.network === "pod" ? ["10.77.0.2", "fd77::2"] : [],
      pausePid: 100,
      resources: config.resources,
    };
    this.sandboxes.set(status.id, status);
    return status;
  }

  async stopSandbox(id: string): Promise<void> {
    await this.#call("stopSandbox");
    const sandbox = this.sandboxes.get(id);
    if (sandbox) this.sandboxes.set(id, { ...sandbox, state: "notready", addresses: [] });
    for (const container of this.listContainers(id)) if (container.state === "running") this.exit(container.name, 137);
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#call("removeSandbox");
    for (const container of this.listContainers(id)) this.containers.delete(container.id);
    this.sandboxes.delete(id);
    this.volumes.delete(id);
  }

  sandboxStatus(id: string): types.SandboxStatus {
    const found = this.sandboxes.get(id);
    if (!found) throw new Error(`no sandbox ${id}`);
    return found;
  }

  listSandboxes(): readonly types.SandboxStatus[] {
    return [...this.sandboxes.values()];
  }

  async writeVolumes(sandboxId: string, volumes: Readonly<Record<string, types.VolumeTree>>): Promise<void> {
    await this.#call(`writeVolumes ${Object.keys(volumes).join(" ")}`.trim());
    this.volumes.set(sandboxId, { ...this.volumes.get(sandboxId), ...volumes });
  }

  writtenVolumes(sandboxId: string): ReadonlySet<string> {
    return new Set(Object.keys(this.volumes.get(sandboxId) ?? {}));
  }

  async createContainer(sandboxId: string, config: types.ContainerConfig): Promise<string> {
    await this.#call(`createContainer ${config.name}/${config.attempt}`);
    this.configs.containers.push(config);
    const id = `id-${++this.#ids}`;
    this.containers.set(id, {
      id,
      sandboxId,
      name: config.name,
      attempt: config.attempt,
      state: "created",
      imageId: config.image.id,
      imageReference: config.image.reference,
      createdAt: new Date(this.now()).toISOString(),
      logPath: "",
      resources: config.resources,
    });
    return id;
  }

  async resize(id: string, request: types.ResizeRequest): Promise<void> {
    await this.#call(`resize ${JSON.stringify(request.resources)} ${JSON.stringify(request.containers)}`);
    this.sandboxes.set(id, { ...this.sandboxStatus(id), resources: request.resources });
    for (const [container, resources] of Object.entries(request.containers))
      this.containers.set(container, { ...this.containerStatus(container), resources });
  }

  async startContainer(id: string): Promise<types.ContainerStatus> {
    const { name } = this.containerStatus(id);
    try {
      await this.#call(`startContainer ${name}`);
    } catch (error) {
      this.#end(id, 128, "StartError", String((error as Error).message));
      throw error;
    }
    this.#change(id, { state: "running", startedAt: new Date(this.now()).toISOString(), pid: 200 });
    if (this.exitAtOnce !== undefined) this.#end(id, this.exitAtOnce);
    return this.containerStatus(id);
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const { name } = this.containerStatus(id);
    await this.#call(`stopContainer ${name} ${graceSeconds}`);
    if (this.containers.get(id)?.state === "running") this.#end(id, 143);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#call(`removeContainer ${this.containers.get(id)?.name}`);
    this.containers.delete(id);
  }

  containerStatus(id: string): types.ContainerStatus {
    const found = this.containers.get(id);
    if (!found) throw new Error(`no container ${id}`);
    return found;
  }

  listContainers(sandboxId?: string): readonly types.ContainerStatus[] {
    return [...this.containers.values()].filter((one) => sandboxId === undefined || one.sandboxId === sandboxId);
  }

  /** Ends the running container of this name. */
  exit(name: string, exitCode: number, reason?: string): void {
    const found = [...this.containers.values()].find((one) => one.name === name && one.state === "running");
    if (!found) throw new Error(`no running container ${name}`);
    this.#end(found.id, exitCode, reason);
  }

  /** What happens when a monitor or a pause dies. */
  lose(id: string): void {
    this.sandboxes.set(id, { ...this.sandboxStatus(id), state: "notready" });
    for (const { id: container, state } of this.listContainers(id))
      if (state === "running") this.#end(container, 137, "ContainerStatusUnknown");
    this.emit({ type: "sandboxLost", sandbox: this.sandboxStatus(id) });
  }

  #change(id: string, change: Partial<types.ContainerStatus>): void {
    this.containers.set(id, { ...this.containerStatus(id), ...change });
  }

  #end(id: string, exitCode: number, reason = exitCode === 0 ? "Completed" : "Error", message?: string): void {
    const finishedAt = new Date(this.now()).toISOString();
    this.#change(id, { state: "exited", exitCode, reason, finishedAt, ...(message && { message }) });
    this.emit({ type: "containerExited", container: this.containerStatus(id) });
  }

  /** What a command comes to: an exit code, with what it prints; a test waits in it for commands that hang. */
  command: (words: string, container: string) => number | { code: number; output: string } | Promise<number> = () => 0;

  async exec(containerId: string, request: types.ExecRequest): Promise<types.StreamSession> {
    const { name } = this.containerStatus(containerId);
    const words = request.command.join(" ");
    await this.#call(`exec ${name} ${words}`);
    const killed = new Promise<number>((resolve) => request.signal?.addEventListener("abort", () => resolve(137)));
    const end = await Promise.race([this.command(words, name), killed]);
    const { code, output } = typeof end === "number" ? { code: end, output: "" } : end;
    const stdout = (take: (data: Buffer) => void): void => take(Buffer.from(output));
    return {
      write: async () => undefined,
      endStdin: () => undefined,
      resize: () => undefined,
      set onStdout(take: (data: Buffer) => void) {
        stdout(take);
      },
      onStderr: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      exited: Promise.resolve(code),
      close: () => undefined,
    };
  }

  attach(): Promise<types.StreamSession> {
    throw new Error("not in the fake");
  }

  copy(): Promise<types.CopySession> {
    throw new Error("not in the fake");
  }

  portForward(): Promise<types.StreamSession> {
    throw new Error("not in the fake");
  }

  plan(): readonly Operation[] {
    return [];
  }

  trace(): readonly types.TracedOperation[] {
    return [];
  }

  async recover(): Promise<void> {
    await this.#call("recover");
  }
}
