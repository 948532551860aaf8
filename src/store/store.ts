import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Config } from "../base/config.ts";
import { errnoOf } from "../base/errors.ts";
import { Database } from "./database.ts";
import { translateError } from "./errors.ts";
import { ImageTable, type StoredImage } from "./images.ts";
import { type LeasableNumbers, type LeasedNetwork, Leases } from "./leases.ts";
import { Objects } from "./objects.ts";
import { Records } from "./records.ts";
import { RUN_MIGRATIONS, STATE_MIGRATIONS } from "./schema.ts";

/** What the store keeps of the layers above it, by their types. */
export interface Kept {
  readonly image: StoredImage;
  readonly network: LeasedNetwork;
  readonly sandbox: { readonly id: string };
  readonly container: { readonly id: string };
}

export interface StoreOptions<K extends Kept> {
  readonly config: Pick<Config, "root" | "run">;
  readonly numbers: LeasableNumbers<K["network"]>;
  readonly clock?: Clock;
  /** Of this boot; tests only. Default: the kernel's. */
  readonly bootId?: string;
}

/**
 * All state of an instance, in two databases:
 *
 * - ROOT/state.db survives a reboot: objects and images (each commit is on the disk when it returns), and leases, which
 *   have a second connection whose commits are not waited for: a power cut ends the pods too that hold them.
 * - RUN/run-BOOT.db, the sandboxes and containers, survives the daemon only. Where /run is no tmpfs, the boot id in its
 *   name keeps a new boot from taking up processes of the last one; files of other boots are removed.
 *
 * Throws StateUnavailable and StateCorrupt, here and in every call.
 */
export class Store<K extends Kept = Kept> {
  readonly objects: Objects;
  readonly images: ImageTable<K["image"]>;
  readonly leases: Leases<K["network"]>;
  readonly sandboxes: Records<K["sandbox"]>;
  readonly containers: Records<K["container"]>;
  readonly #state: Database;
  readonly #databases: readonly Database[];

  constructor(options: StoreOptions<K>) {
    const opened: Database[] = [];
    const open = (...parameters: ConstructorParameters<typeof Database>): Database => {
      const database = new Database(...parameters);
      opened.push(database);
      return database;
    };
    try {
      const { root, run } = options.config;
      const full = open(join(root, "state.db"), "full", STATE_MIGRATIONS);
      const normal = open(join(root, "state.db"), "normal", STATE_MIGRATIONS);
      const runState = open(prepareRunFile(run, options.bootId ?? readBootId()), "normal", RUN_MIGRATIONS);
      this.#state = normal;
      this.objects = new Objects(full, normal);
      this.images = new ImageTable(full, normal);
      this.leases = new Leases(normal, options.numbers, options.clock);
      this.sandboxes = new Records(runState, "sandboxes");
      this.containers = new Records(runState, "containers");
    } catch (error) {
      for (const database of opened) database.close();
      throw error;
    }
    this.#databases = opened;
  }

  /** Takes the room on ROOT's disk that deleting pods needs when they have filled it. Throws StateUnavailable when there is none. */
  reserve(): void {
    this.#state.reserve();
  }

  close(): void {
    for (const database of this.#databases) database.close();
  }
}

/** proc(5), /proc/sys/kernel/random/boot_id: a UUID that the kernel makes at boot. */
function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** The run database's path; databases of earlier boots are gone when it returns. */
function prepareRunFile(folder: string, bootId: string): string {
  const name = `run-${bootId}.db`;
  const path = join(folder, name);
  try {
    for (const entry of readdirSync(folder)) {
      if (/^run-.*\.db(-wal|-shm)?$/.test(entry) && !entry.startsWith(name)) rmSync(join(folder, entry));
    }
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw translateError(path, error);
  }
  return path;
}
