import { createHash, randomInt } from "node:crypto";
import { planFault, step } from "../base/fault.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import type { Context, LiveSandbox } from "./context.ts";
import { monitorOf, updateSandbox } from "./lookup.ts";
import type { VolumeRecord } from "./records.ts";
import type { VolumeTree } from "./types.ts";
import { compileVolume, topNames, VOLUME_PART } from "./volume-plan.ts";

/** Writes volumes whose content is another, side by side. Throws MonitorGone, PlanError. */
export async function writeVolumes(
  context: Context,
  sandbox: LiveSandbox,
  volumes: Readonly<Record<string, VolumeTree>>,
): Promise<void> {
  await Promise.all(Object.entries(volumes).map(([volume, tree]) => writeVolume(context, sandbox, volume, tree)));
}

async function writeVolume(context: Context, sandbox: LiveSandbox, volume: string, tree: VolumeTree): Promise<void> {
  const digest = digestOf(tree);
  const before = sandbox.record.volumes?.[volume];
  if (before?.digest === digest) return;
  const wanted = topNames(tree.files);
  const stays = new Set(wanted);
  const names = before?.names.filter((name) => stays.has(name)) ?? [];
  // Only links that the plan leaves alone: whoever is killed from here on knows of no link that may be gone.
  if (before) note(context, sandbox, volume, { digest: "", names });
  step("volume.write-intent");
  const why = before ? "its content has changed" : "its content";
  const plans = compileVolume({ volume, tree, folder: newFolder(), names, why, users: sandbox.record.userRange });
  const monitor = monitorOf(sandbox);
  const results = [];
  for (const plan of plans) results.push(...(await monitor.run(plan, { fault: planFault("volume") })).results);
  step("volume.written");
  // A change later on is no part of the pod's start.
  if (!before) sandbox.trace.record(`${VOLUME_PART}${volume}`, plans.flat() as readonly Operation[], results);
  note(context, sandbox, volume, { digest, names: wanted });
}

function note(context: Context, sandbox: LiveSandbox, volume: string, record: VolumeRecord): void {
  updateSandbox(context, sandbox, { volumes: { ...sandbox.record.volumes, [volume]: record } });
}

/** The kubelet's names: the time, and what makes it the only one of its second. */
function newFolder(): string {
  const [date, time] = new Date().toISOString().slice(0, 19).split("T") as [string, string];
  return `..${date.replaceAll("-", "_")}_${time.replaceAll(":", "_")}.${String(randomInt(2 ** 31)).padStart(10, "0")}`;
}

function digestOf({ files, gid }: VolumeTree): string {
  const hash = createHash("sha256").update(`${gid ?? ""}\n`);
  for (const { path, data, mode } of files) hash.update(`${JSON.stringify([path, mode, data.length])}\n`).update(data);
  return hash.digest("hex");
}
