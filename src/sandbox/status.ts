import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import type { ContainerStatus, SandboxStatus } from "./types.ts";

export function sandboxStatus(record: SandboxRecord): SandboxStatus {
  const { id, metadata, state, createdAt, pausePid, lease } = record;
  const addresses = lease ? [lease.ip4, lease.ip6] : [];
  return { id, metadata, state, createdAt, pausePid, addresses, ...inForce(record) };
}

const inForce = ({ resources, resizing }: Pick<SandboxRecord, "resources" | "resizing">) =>
  resources && !resizing ? { resources } : {};

export function containerStatus(record: ContainerRecord): ContainerStatus {
  const { id, sandboxId, name, attempt, state, imageId, imageReference, createdAt, logPath } = record;
  const { startedAt, finishedAt, pid, exitCode, signal, reason } = record;
  const message = record.message ?? (state === "exited" ? terminationMessage(record) : undefined);
  return {
    id,
    sandboxId,
    name,
    attempt,
    state,
    imageId,
    imageReference,
    createdAt,
    logPath,
    ...(record.volumeImageIds && { volumeImageIds: record.volumeImageIds }),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(pid !== undefined && { pid }),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && message !== "" && { message }),
    ...inForce(record),
  };
}

/** Kubernetes: the last 4096 bytes of terminationMessagePath are kept (kubelet, MaxContainerTerminationMessageLength). */
const MESSAGE_BYTES = 4096;

function terminationMessage(record: ContainerRecord): string | undefined {
  if (!record.terminationMessage) return undefined;
  let file: number;
  try {
    file = openSync(join(record.folder, "termination-log"), "r");
  } catch (error) {
    // The container may have been ended before its file was made; no message is the right answer then.
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    // The container decides how much it writes: never the whole file.
    const buffer = Buffer.alloc(MESSAGE_BYTES);
    const position = Math.max(0, fstatSync(file).size - MESSAGE_BYTES);
    return buffer.toString("utf8", 0, readSync(file, buffer, 0, MESSAGE_BYTES, position));
  } finally {
    closeSync(file);
  }
}
