import { chmodSync, existsSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { step } from "../../base/fault.ts";
import { makeFolder } from "../../base/make-folder.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../spec/index.ts";
import { defaultClass } from "../admission.ts";
import type { EventRecorder } from "../events.ts";
import type { KeptObjects } from "../objects.ts";
import { type ClaimNode, findVolume, isKeptFor, whyNot } from "./match.ts";
import type { StorageObjects } from "./storage.ts";

export interface BindContext {
  /** The daemon's state folder. */
  readonly root: string;
  readonly node: ClaimNode;
  readonly objects: KeptObjects;
  readonly storage: StorageObjects;
  readonly events: Pick<EventRecorder, "record">;
}

/** Where a volume that podrun makes lies: `ROOT/volumes/NAME`. */
export const volumeFolder = (root: string, name: string): string => join(root, "volumes", name);

/** Whether the volume's folder is podrun's own, to be made and removed. */
export const isOwn = (root: string, { metadata, spec }: PersistentVolume): boolean =>
  spec.local?.path === volumeFolder(root, metadata.name);

/**
 * Gives a claim without a volume one, if there is one or one may be made; else an event says what it waits for. `hasConsumer`: a
 * pod wants it now (volumeBindingMode WaitForFirstConsumer). Throws what the disk says.
 */
export function bindClaim(context: BindContext, claim: PersistentVolumeClaim, hasConsumer: boolean): void {
  const given = withClass(context, claim);
  const { volumeName, storageClassName = "" } = given.spec;
  if (volumeName !== undefined) {
    bindNamed(context, given, volumeName);
    return;
  }
  const named = context.objects.find("StorageClass", "", storageClassName);
  const found = findVolume(given, context.storage.volumes, context.node);
  const waits = named?.volumeBindingMode === "WaitForFirstConsumer" && !hasConsumer;
  const problem = found ? undefined : whyNotMade(given, named);
  if (waits && !(found && isKeptFor(found, given)))
    tell(context, given, "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
  else if (problem) tell(context, given, problem.reason, problem.message);
  else bind(context, given, found ?? makeVolume(context, given, named as StorageClass));
}

/** A claim that came before there was a default class gets it when there is one. */
function withClass({ objects, storage }: BindContext, claim: PersistentVolumeClaim): PersistentVolumeClaim {
  if (claim.spec.storageClassName !== undefined) return claim;
  const storageClassName = defaultClass(objects);
  if (storageClassName === undefined) return claim;
  return storage.write(claim, { spec: { ...claim.spec, storageClassName } });
}

function bindNamed(context: BindContext, claim: PersistentVolumeClaim, name: string): void {
  const volume = context.storage.volume(name);
  if (volume === undefined) return;
  const why = whyNot(claim, volume);
  if (volume.spec.claimRef !== undefined && !isKeptFor(volume, claim))
    tell(context, claim, "FailedBinding", `volume "${name}" already bound to a different claim.`);
  else if (why) tell(context, claim, "VolumeMismatch", `Cannot bind to requested volume "${name}": ${why}`);
  else bind(context, claim, volume);
}

/** Why no volume can be made for a claim, as an event; undefined: one can. Pure. */
export function whyNotMade(
  claim: PersistentVolumeClaim,
  named: StorageClass | undefined,
): { readonly reason: string; readonly message: string } | undefined {
  const { storageClassName = "", selector } = claim.spec;
  if (storageClassName === "" || named?.provisioner === "kubernetes.io/no-provisioner") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return { reason: "FailedBinding", message };
  }
  if (named === undefined)
    return { reason: "ProvisioningFailed", message: `storageclass.storage.k8s.io "${storageClassName}" not found` };
  if (selector !== undefined)
    return { reason: "ProvisioningFailed", message: "claim.Spec.Selector is not supported for dynamic provisioning" };
  return undefined;
}

/** The object comes first: it names the claim, so whoever is killed after it finds it again, and no folder is forgotten. */
function makeVolume(context: BindContext, claim: PersistentVolumeClaim, named: StorageClass): PersistentVolume {
  const name = `pvc-${claim.metadata.uid}`;
  const { namespace, uid } = claim.metadata;
  const volume = context.objects.create({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name,
      namespace: "",
      labels: {},
      annotations: { "pv.kubernetes.io/provisioned-by": named.provisioner },
      uid: "",
      creationTimestamp: "",
      resourceVersion: "",
    },
    spec: {
      capacity: { storage: claim.spec.resources.requests.storage },
      accessModes: claim.spec.accessModes,
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name: claim.metadata.name, uid },
      local: { path: volumeFolder(context.root, name) },
      persistentVolumeReclaimPolicy: named.reclaimPolicy,
      storageClassName: named.metadata.name,
      volumeMode: "Filesystem",
    },
    status: { phase: "Pending" },
  }) as PersistentVolume;
  step("claim.volume-recorded");
  tell(context, claim, "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  return volume;
}

/** First the volume names its claim, then the claim its volume: whoever is killed between the two finds the first. */
function bind(context: BindContext, claim: PersistentVolumeClaim, found: PersistentVolume): void {
  const { namespace, name, uid } = claim.metadata;
  const { storage } = context;
  const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid } as const;
  const volume = storage.write(found, { spec: { ...found.spec, claimRef }, status: { phase: "Bound" } });
  step("claim.volume-bound");
  if (isOwn(context.root, volume)) makeVolumeFolder(volume.spec.local?.path as string);
  const { accessModes, capacity } = volume.spec;
  storage.write(claim, {
    spec: { ...claim.spec, volumeName: volume.metadata.name },
    status: { phase: "Bound", accessModes, capacity: { storage: capacity.storage } },
  });
  step("claim.bound");
}

/**
 * Containers run as any user, and mkdir's mode is cut by the umask. One that is there keeps what pods have made of it, so it must
 * have its mode when it comes to its name.
 */
function makeVolumeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(unfinished(path));
  chmodSync(unfinished(path), 0o777);
  renameSync(unfinished(path), path);
}

/**
 * What a volume's folder is called while it is made. Volumes lie beside one another, so it must be no name that another may have:
 * none begins with a plus, and at most 253 characters and this one still are a file's name (255).
 */
export const unfinished = (path: string): string => join(dirname(path), `+${basename(path)}`);

const WARNINGS = new Set(["ProvisioningFailed", "VolumeMismatch", "ClaimLost", "VolumeFailedDelete"]);

export function tell(
  { events }: Pick<BindContext, "events">,
  object: PersistentVolumeClaim | PersistentVolume,
  reason: string,
  message: string,
): void {
  const { name, namespace, uid } = object.metadata;
  // Kubernetes keeps the events of what lies in no namespace in `default`.
  const subject = { kind: object.kind, namespace: namespace || "default", name, uid };
  events.record(subject, { type: WARNINGS.has(reason) ? "Warning" : "Normal", reason, message });
}
