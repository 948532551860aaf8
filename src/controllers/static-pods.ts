import type { Logger } from "../base/logger.ts";
import { isStatic } from "../pod/eviction/critical.ts";
import { type EventRecorder, nodeSubject, type PodService, type Timers } from "../pod/index.ts";
import type { Pod } from "../spec/index.ts";
import { FolderWatch, type ManifestFile, readManifestFolder, SETTLE_MILLIS } from "./manifest-folder.ts";
import { CONFIG, readStaticPods, type StaticPod } from "./static-pod.ts";

/** How often the folder is looked at without word of a change, as the kubelet does (fileCheckFrequency). */
const RESCAN_MILLIS = 20_000;

export interface StaticPodsOptions {
  readonly folder: string;
  /** The node's name. */
  readonly node: string;
  readonly pods: Pick<PodService, "create" | "delete" | "list" | "watch">;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Logger;
  readonly timers: Timers;
}

/** What is known of one file. */
interface FileState {
  /** The pods that it had when it could last be read. */
  readonly pods: readonly StaticPod[];
  /** It is there, but what it wants is not known now: what runs of it stays. */
  readonly unclear: boolean;
}

/**
 * Keeps the pods of a folder of manifests: one is made for each manifest, made again when somebody deletes it, ended and made
 * anew when its manifest is another, and ended when its file goes. The folder and the pods' own uids are all the state there
 * is, so a daemon that dies at any point is followed by one that goes on.
 */
export class StaticPods {
  readonly #options: StaticPodsOptions;
  readonly #watch: FolderWatch;
  readonly #files = new Map<string, FileState>();
  /** What is wrong, by what it is wrong with: told once, not at every look. */
  #told = new Map<string, string>();
  #unsubscribe: (() => void) | undefined;
  #cancelScan: (() => void) | undefined;
  #cancelRescan: (() => void) | undefined;
  #work: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: StaticPodsOptions) {
    this.#options = options;
    this.#watch = new FolderWatch(options.folder, () => this.#scanSoon());
  }

  /** The pods of an earlier daemon must have been taken up before. */
  start(): void {
    this.#unsubscribe = this.#options.pods.watch(({ type }) => {
      if (type === "DELETED") this.#scanSoon(0);
    });
    void this.scan();
  }

  /** The daemon leaves; pods go on. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe?.();
    this.#cancelScan?.();
    this.#cancelRescan?.();
    this.#watch.close();
  }

  /** Looks at everything now; resolves when what was to be made or ended has been told to the pods' service. */
  scan(): Promise<void> {
    this.#again = true;
    this.#work ??= this.#scanUntilDone().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  #scanSoon(millis: number = SETTLE_MILLIS): void {
    if (this.#stopped) return;
    this.#cancelScan ??= this.#options.timers.after(millis, () => {
      this.#cancelScan = undefined;
      void this.scan();
    });
  }

  async #scanUntilDone(): Promise<void> {
    const { log, timers, folder } = this.#options;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      // Before the look: what changes after it is then told.
      this.#watch.check();
      const told = new Map<string, string>();
      try {
        this.#read(told);
        await this.#reconcile(told);
      } catch (error) {
        this.#tell(told, folder, error instanceof Error ? error.message : String(error));
        log.debug("static pods: the look at the folder failed", { folder });
      }
      this.#told = told;
    }
    this.#cancelRescan?.();
    if (!this.#stopped) this.#cancelRescan = timers.after(RESCAN_MILLIS, () => void this.scan());
  }

  #read(told: Map<string, string>): void {
    const { folder, node, timers } = this.#options;
    const now = timers.wall();
    const found = readManifestFolder(folder, now);
    for (const name of this.#files.keys()) if (!found.has(name)) this.#files.delete(name);
    for (const [name, file] of found) {
      const pods = this.#parse(name, file, { folder, node, now }, told);
      this.#files.set(name, { pods: pods ?? this.#files.get(name)?.pods ?? [], unclear: pods === undefined });
      if ("changing" in file) this.#scanSoon();
    }
  }

  #parse(
    name: string,
    file: ManifestFile,
    context: Parameters<typeof readStaticPods>[2],
    told: Map<string, string>,
  ): readonly StaticPod[] | undefined {
    if ("changing" in file) return undefined;
    try {
      if ("problem" in file) throw file.problem;
      return readStaticPods(file.text, name, context);
    } catch (error) {
      this.#tell(told, name, error instanceof Error ? error.message : String(error), name);
      return undefined;
    }
  }

  async #reconcile(told: Map<string, string>): Promise<void> {
    const { pods } = this.#options;
    const wanted = this.#wanted(told);
    const present = new Map<string, Pod>(pods.list().map((pod) => [keyOf(pod), pod]));
    for (const [key, pod] of present) {
      if (!isStatic(pod) || wanted.get(key)?.uid === pod.metadata.uid) continue;
      if (!wanted.has(key) && this.#files.get(pod.metadata.annotations[CONFIG.file] ?? "")?.unclear) continue;
      if (pod.metadata.deletionTimestamp === undefined) await pods.delete(pod.metadata.namespace, pod.metadata.name);
    }
    for (const [key, { pod, uid, file }] of wanted) {
      const there = present.get(key);
      // Its end is told, and then the new one is made.
      if (there !== undefined && isStatic(there)) continue;
      try {
        await pods.create(pod, { uid });
      } catch (error) {
        this.#tell(told, key, `${file}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** By namespace and name; of two files with the same one, the first by name has it. */
  #wanted(told: Map<string, string>): Map<string, StaticPod> {
    const wanted = new Map<string, StaticPod>();
    for (const [name, { pods }] of [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const one of pods) {
        const key = keyOf(one.pod);
        const first = wanted.get(key);
        if (first === undefined) wanted.set(key, one);
        else
          this.#tell(
            told,
            `${name} ${key}`,
            `${this.#options.folder}/${name}: pod "${one.pod.metadata.name}" is in ${first.file} already, which comes first; this one is left out`,
            first.file,
          );
      }
    return wanted;
  }

  /** To the log, to the node's events, and to those of the pods that run of the file. */
  #tell(told: Map<string, string>, subject: string, message: string, file?: string): void {
    told.set(subject, message);
    if (this.#told.get(subject) === message) return;
    const { log, events, node, pods } = this.#options;
    log.warn(`static pods: ${message}`);
    const text = { type: "Warning", reason: "InvalidManifest", message } as const;
    events.record(nodeSubject(node), text);
    if (file === undefined) return;
    for (const pod of pods.list())
      if (isStatic(pod) && pod.metadata.annotations[CONFIG.file] === file) events.record(pod.metadata, text);
  }
}

const keyOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;
