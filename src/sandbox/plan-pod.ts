import { join } from "node:path";
import { containerCgroup, podCgroup } from "../linux/cgroup/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { compileContainer } from "./container-plan.ts";
import type { Context } from "./context.ts";
import { containerCommand, containerIdentity } from "./identity.ts";
import { nextLevel, nextRange, sandboxFolder } from "./run-sandbox.ts";
import { compileSandbox } from "./sandbox-plan.ts";
import { containerLabels } from "./selinux.ts";
import { containerSlots } from "./slots.ts";
import type { ContainerConfig, SandboxConfig, VolumeTree } from "./types.ts";
import { compileVolume } from "./volume-plan.ts";

/** Stands where a start would put the new container's id. */
const idOf = (name: string): string => `<${name}>`;

/** Stands where a start would put the time. */
const FOLDER = "..<time>";

/** The plan of a pod's start with the lease that it would get; nothing is recorded, nothing is run. */
export function planPod(
  context: Pick<Context, "facts" | "leases" | "live">,
  sandbox: SandboxConfig,
  containers: readonly ContainerConfig[],
  volumes: Readonly<Record<string, VolumeTree>>,
): readonly Operation[] {
  const { facts } = context;
  const uid = sandbox.metadata.uid;
  const lease = sandbox.network === "pod" ? context.leases.peek() : undefined;
  const users = nextRange(context, sandbox);
  const seLinuxLevel = nextLevel(context, sandbox);
  const shape = { ...sandbox, ...(users && { userRange: users }), ...(seLinuxLevel && { seLinuxLevel }) };
  const pod = podCgroup(facts.config.cgroup, sandbox.qos, uid);
  const own = containers.flatMap((config, number) =>
    compileContainer(
      {
        id: idOf(config.name),
        config,
        sandbox: shape,
        cgroup: containerCgroup(pod, idOf(config.name)),
        folder: join(facts.config.root, "containers", idOf(config.name)),
        identity: { ...containerIdentity(config, shape), ...containerLabels(config, shape, facts.seLinux) },
        argv: containerCommand(config),
        key: number + 1,
        slots: containerSlots(number),
        logPath: join(sandbox.logDirectory, config.name, `${config.attempt}.log`),
        logSizeBytes: 0,
        logFiles: 0,
      },
      facts,
    ),
  );
  const content = Object.entries(volumes).flatMap(([volume, tree]) =>
    compileVolume({
      volume,
      tree,
      folder: FOLDER,
      names: [],
      users,
      why: sandbox.why?.[`volume ${volume}`] ?? "default",
    }),
  );
  const folder = sandboxFolder(context, uid);
  const made = compileSandbox({ config: sandbox, lease, users, seLinuxLevel, folder }, facts);
  return [...made, ...content.flat(), ...own];
}
