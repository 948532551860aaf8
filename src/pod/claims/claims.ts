import { PodrunError } from "../../base/errors.ts";
import { step } from "../../base/fault.ts";
import type { Logger } from "../../base/logger.ts";
import { removeTree } from "../../base/remove-tree.ts";
import {
  compareQuantities,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from "../../spec/index.ts";
import type { Timers } from "../node.ts";
import type { ObjectWatchEvent, PodService } from "../types.ts";
import { type BindContext, bindClaim, isOwn, tell, unfinished } from "./bind.ts";
import type { ClaimSource } from "./claim-source.ts";
import { isBoundTo, isKeptFor } from "./match.ts";
import { claimFor, claimOf, claimsOf, isOwnedBy } from "./pod-claims.ts";
import { keyOf, type StorageObjects } from "./storage.ts";
import { notOwner, whyWaiting } from "./waiting.ts";

export interface ClaimsOptions extends BindContext {
  readonly log: Logger;
  readonly timers: Timers;
}

type ClaimPods = Pick<PodService, "list" | "watch">;

/** Until what failed (a full disk, a folder that could not be removed) is tried again. */
const RETRY_MILLIS = 5000;

/**
 * Brings claims and volumes together, keeps those that are used, and takes back what nobody wants any more (Kubernetes'
 * persistent volume, PVC protection, PV protection and ephemeral volume controllers). Each object is looked at when it, its
 * other half, or a pod that names it has changed, and all of them when a daemon starts: so it may die between any two lines.
 */
export class Claims implements ClaimSource {
  readonly #options: ClaimsOptions;
  readonly #storage: StorageObjects;
  readonly #dirty = new Set<string>();
  readonly #removing = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];
  #pods: ClaimPods | undefined;
  #awake = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#storage = options.storage;
  }

  start(pods: ClaimPods): void {
    this.#pods = pods;
    this.#unsubscribe.push(
      this.#options.objects.watch((event) => this.#changed(event)),
      pods.watch(({ type, object }) => {
        if (type === "DELETED")
          for (const name of claimsOf(object)) this.#look(`PersistentVolumeClaim/${object.metadata.namespace}/${name}`);
      }),
    );
    for (const one of this.#storage.all) this.#look(keyOf(one));
  }

  stop(): void {
    this.#pods = undefined;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  whyWaiting(pod: Pod, others: () => readonly Pod[]): string | undefined {
    return whyWaiting(pod, this.#options, others);
  }

  prepare(pod: Pod): void {
    for (const volume of pod.spec.volumes ?? []) {
      const name = claimOf(pod, volume);
      if (name === undefined) continue;
      const claim = this.#storage.claim(pod.metadata.namespace, name) ?? this.#makeClaim(pod, volume);
      if (claim === undefined) throw failure(volume, `persistentvolumeclaim "${name}" not found`, "NotFound");
      if (volume.ephemeral && !isOwnedBy(claim, pod)) throw failure(volume, notOwner(pod, claim));
      if (claim.status.phase === "Pending") bindClaim(this.#options, claim, true);
      if (this.volumeOf(pod, volume) === undefined)
        throw failure(volume, `persistentvolumeclaim "${name}" is not bound to a volume`);
    }
  }

  volumeOf(pod: Pod, volume: Volume): PersistentVolume | undefined {
    const name = claimOf(pod, volume);
    const claim = name === undefined ? undefined : this.#storage.claim(pod.metadata.namespace, name);
    return claim?.status.phase === "Bound" ? this.#storage.volume(claim.spec.volumeName) : undefined;
  }

  #makeClaim(pod: Pod, volume: Volume): PersistentVolumeClaim | undefined {
    if (!volume.ephemeral) return undefined;
    return this.#options.objects.create(claimFor(pod, volume)) as PersistentVolumeClaim;
  }

  #changed({ object }: ObjectWatchEvent): void {
    if (object.kind === "PersistentVolumeClaim") {
      this.#look(keyOf(object));
      for (const volume of this.#storage.volumes) if (isKeptFor(volume, object)) this.#look(keyOf(volume));
    } else if (object.kind === "PersistentVolume" || object.kind === "StorageClass") {
      if (object.kind === "PersistentVolume") this.#look(keyOf(object));
      // Whoever has none may want this one, or one of this class.
      for (const claim of this.#storage.claims)
        if (claim.status.phase === "Pending" || claim.spec.volumeName === object.metadata.name)
          this.#look(keyOf(claim));
    }
  }

  /** After what goes on: other watchers have then been told of it, so that nobody hears of changes in the wrong order. */
  #look(key: string): void {
    this.#dirty.add(key);
    if (this.#awake) return;
    this.#awake = true;
    queueMicrotask(() => this.#lookAtAll());
  }

  #lookAtAll(): void {
    for (const key of this.#dirty) {
      if (this.#pods === undefined) return;
      this.#dirty.delete(key);
      try {
        this.#lookAt(key, this.#pods);
      } catch (error) {
        this.#options.log.failure("a volume or a claim can't be brought up to date", error, { object: key });
        this.#options.timers.after(RETRY_MILLIS, () => this.#look(key));
      }
    }
    this.#awake = false;
  }

  #lookAt(key: string, pods: ClaimPods): void {
    const [kind, namespace = "", name = ""] = key.split("/");
    if (kind === "PersistentVolume") this.#lookAtVolume(this.#storage.volume(name));
    else this.#lookAtClaim(this.#storage.claim(namespace, name), pods);
  }

  #lookAtClaim(claim: PersistentVolumeClaim | undefined, pods: ClaimPods): void {
    if (claim === undefined) return;
    const { namespace, name, deletionTimestamp, ownerReferences = [] } = claim.metadata;
    if (deletionTimestamp !== undefined) {
      if (pods.list({ namespace }).some((pod) => claimsOf(pod).includes(name))) return;
      step("claim.remove");
      this.#storage.remove(claim);
    } else if (ownerReferences.length > 0 && !pods.list({ namespace }).some((pod) => isOwnedBy(claim, pod))) {
      this.#options.objects.delete(claim.kind, namespace, name);
    } else if (claim.status.phase !== "Pending") this.#followBound(claim);
    else bindClaim(this.#options, claim, false);
  }

  #followBound(claim: PersistentVolumeClaim): void {
    const volume = this.#storage.volume(claim.spec.volumeName);
    if (volume === undefined || !isBoundTo(volume, claim)) {
      if (claim.status.phase === "Lost") return;
      tell(this.#options, claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
      this.#storage.write(claim, { status: { phase: "Lost" } });
      return;
    }
    const { storage } = claim.spec.resources.requests;
    const grows = isOwn(this.#options.root, volume) && compareQuantities(storage, volume.spec.capacity.storage) > 0;
    const spec = grows ? { ...volume.spec, capacity: { storage } } : volume.spec;
    const { capacity, accessModes } = this.#storage.write(volume, { spec }).spec;
    this.#storage.write(claim, {
      status: { phase: "Bound", accessModes, capacity: { storage: capacity.storage } },
    });
  }

  #lookAtVolume(volume: PersistentVolume | undefined): void {
    if (volume === undefined) return;
    const { claimRef } = volume.spec;
    const claim = claimRef && this.#storage.claim(claimRef.namespace, claimRef.name);
    const isDeleted = volume.metadata.deletionTimestamp !== undefined;
    if (claim && isBoundTo(volume, claim)) {
      this.#storage.write(volume, { status: { phase: "Bound" } });
    } else if (claimRef?.uid === undefined) {
      if (isDeleted) this.#storage.remove(volume);
      else this.#storage.write(volume, { status: { phase: "Available" } });
    } else if (claim?.metadata.uid !== claimRef.uid) {
      // What has its claim's uid is about to be bound: the claim is looked at, too.
      this.#release(volume);
    }
  }

  /** Its claim is gone. */
  #release(volume: PersistentVolume): void {
    const isDeleted = volume.metadata.deletionTimestamp !== undefined;
    if (volume.spec.persistentVolumeReclaimPolicy === "Retain") {
      if (isDeleted) this.#storage.remove(volume);
      else this.#storage.write(volume, { status: { phase: "Released" } });
    } else if (isOwn(this.#options.root, volume)) {
      if (this.#removing.has(volume.metadata.name)) return;
      // One that has failed stays so until it is gone (Kubernetes' persistent volume controller, syncVolume).
      if (volume.status.phase !== "Failed") this.#storage.write(volume, { status: { phase: "Released" } });
      void this.#reclaim(volume);
    } else if (isDeleted) {
      this.#storage.remove(volume);
    } else if (volume.status.phase !== "Failed") {
      this.#fail(volume, "podrun removes only what it has made; remove the folder and this object yourself");
    }
  }

  /**
   * What was in it goes, then the object: whoever is killed between the two begins again. No link is followed. Until a failed
   * one's next try it counts as being removed: its failure is recorded, and whoever watches is told of that, also we are.
   */
  async #reclaim(volume: PersistentVolume): Promise<void> {
    const { name } = volume.metadata;
    const path = volume.spec.local?.path as string;
    this.#removing.add(name);
    try {
      step("claim.reclaim");
      await removeTree(unfinished(path));
      await removeTree(path);
      step("claim.reclaimed");
      const present = this.#storage.volume(name);
      if (present && this.#pods) this.#storage.remove(present);
      this.#removing.delete(name);
    } catch (error) {
      this.#options.timers.after(RETRY_MILLIS, () => {
        this.#removing.delete(name);
        this.#look(keyOf(volume));
      });
      this.#tellFailed(name, error);
    }
  }

  #tellFailed(name: string, error: unknown): void {
    const present = this.#storage.volume(name);
    if (present === undefined || this.#pods === undefined) return;
    try {
      this.#fail(present, error instanceof Error ? error.message : String(error));
    } catch (unrecorded) {
      this.#options.log.failure("a volume's failed removal can't be recorded", unrecorded, { volume: name });
    }
  }

  #fail(volume: PersistentVolume, message: string): void {
    tell(this.#options, volume, "VolumeFailedDelete", message);
    this.#storage.write(volume, { status: { phase: "Failed", reason: "VolumeFailedDelete", message } });
  }
}

const failure = (volume: Volume, text: string, code: "NotFound" | "Conflict" = "Conflict"): PodrunError =>
  new PodrunError(code, `volume "${volume.name}": ${text}`, { details: { volume: volume.name } });
