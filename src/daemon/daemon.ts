import { statSync } from "node:fs";
import { join } from "node:path";
import { createApiServer } from "../api/server.ts";
import type { Config } from "../base/config.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { LockFile } from "../base/lock-file.ts";
import { Logger } from "../base/logger.ts";
import { makeFolder } from "../base/make-folder.ts";
import { VERSION } from "../base/version.ts";
import { monitorCgroup } from "../linux/cgroup/index.ts";
import { probeFeatures, requireFeatures } from "../linux/kernel.ts";
import { Nft } from "../linux/nftables/index.ts";
import { leaseSpace, type PodAddresses, type PodNetwork } from "../net/index.ts";
import { KeptObjects, NodeRecord, OwnNode, Pods } from "../pod/index.ts";
import type { MachineFacts } from "../sandbox/facts.ts";
import { readMachine } from "../sandbox/machine.ts";
import { Runtime } from "../sandbox/runtime.ts";
import { makeSystemClasses } from "../spec/index.ts";
import { Store } from "../store/index.ts";
import { announceImages } from "./announce-images.ts";
import { enterCgroup, prepareCgroups } from "./cgroups.ts";
import { startControllers } from "./controllers.ts";
import { monitorBinary } from "./files.ts";
import { openImages } from "./images.ts";
import { keepNetwork } from "./keep-network.ts";
import { listen } from "./listen.ts";
import { machineGoesDown, SHUTDOWN_SECONDS } from "./machine-stop.ts";
import { prepareNetwork } from "./network.ts";
import { makeNode } from "./node.ts";
import { readNodeFacts } from "./node-facts.ts";
import { readNodeIdentity } from "./node-identity.ts";
import { readNodePlacement } from "./node-placement.ts";
import type { Kept, Parts } from "./parts.ts";
import { System } from "./system.ts";
import { WarmMonitors } from "./warm-monitors.ts";

export interface Daemon {
  /** Stops answering and lets everything go that is not a pod's. Pods go on, unless the machine goes down. */
  leave(): Promise<void>;
}

/** The name under which a lock and the pid of a daemon stand in the run folder. */
export const daemonPidFile = (config: Config): string => join(config.run, "daemon.pid");

/** Starts everything; the API answers when this resolves. `onShutdown` is called when a client asks the daemon to leave. */
export async function startDaemon(config: Config, onShutdown: () => void): Promise<Daemon> {
  requireRoot();
  makeStateFolder(config.run);
  const lock = LockFile.acquire(daemonPidFile(config));
  step("daemon.locked");
  makeStateFolder(config.root);
  requirePrivate(config.root);
  const store = new Store<Kept>({ config, numbers: leaseSpace(config) });
  const log = new Logger({ level: process.env["PODRUN_DEBUG"] === undefined ? "info" : "debug" });
  const [features, facts, machine] = await Promise.all([probeFeatures(), readMachine(config), readNodeFacts(config)]);
  const placement = readNodePlacement(machine.name);
  requireFeatures(features);
  prepareCgroups(facts.cgroups, config.cgroup);
  enterCgroup(facts.cgroups, monitorCgroup(config.cgroup), log);
  const nft = new Nft();
  await prepareNetwork(config, nft, recordedLeases(store), log);
  const monitors = new WarmMonitors(monitorBinary());
  const runtime = makeRuntime(facts, store, nft, monitors, log);
  step("daemon.recover");
  await runtime.recover();
  const { images, logins, removeUnused, stop: stopImages } = openImages(config, store, runtime, log);
  const objects = new KeptObjects(store.objects);
  for (const one of makeSystemClasses())
    if (objects.find(one.kind, "", one.metadata.name) === undefined) objects.create(one);
  const identity = readNodeIdentity(machine.name, config.root);
  const record = new NodeRecord(store.objects, { ...identity, name: machine.name }, placement);
  const node = makeNode({ config, runtime, images, objects, log }, machine, record);
  const own = new OwnNode(node, identity, record);
  const pods = new Pods(node, store.objects);
  objects.watch(({ object }) => pods.objectChanged(object));
  pods.recover();
  const controllers = await startControllers(node, pods, objects, { cgroups: facts.cgroups, removeUnused, own });
  const network = keepNetwork({ config, store, nft }, node);
  const parts: Parts = { config, log, store, facts, nft, runtime, pods, images };
  const system = new System(parts, { version: VERSION, features, onShutdown });
  const announced = announceImages(images, () => pods.retry());
  const services = { pods, objects, images: announced, logins, system, node: own };
  const api = createApiServer({ ...services, version: VERSION });
  await listen(api.server, config);
  step("daemon.listening");
  monitors.refill();
  const reserving = setTimeout(() => reserveState(store, log), RESERVE_AFTER_MILLIS).unref();
  return {
    leave: async () => {
      clearTimeout(reserving);
      controllers.stop();
      network.stop();
      await api.close();
      if (await machineGoesDown()) {
        log.info("the machine goes down: pods are ended, and start again at the next boot");
        await pods.shutDown(SHUTDOWN_SECONDS);
      } else pods.stop();
      stopImages();
      node.meter.close();
      monitors.close();
      store.close();
      lock.release();
    },
  };
}

/** Whoever has started the daemon does not wait for it. */
const RESERVE_AFTER_MILLIS = 500;

/** So that pods can be deleted, and evicted, when one of them has filled the disk. */
function reserveState(store: Store<Kept>, log: Logger): void {
  try {
    store.reserve();
  } catch (error) {
    log.failure("no room is reserved for deleting pods when the disk is full", error);
  }
}

/** The addresses of sandboxes on record. A lease without such a record was taken by a daemon that was killed: it goes at recovery. */
const recordedLeases = ({ sandboxes }: Store<Kept>): PodAddresses[] =>
  sandboxes.list().flatMap(({ state, lease, ports }) =>
    // What had only begun goes at recovery, and may never have got its ports.
    lease ? [{ ...lease, ...(state !== "creating" && { ports }) }] : [],
  );

const makeRuntime = (facts: MachineFacts, store: Store<Kept>, nft: Nft, monitors: WarmMonitors, log: Logger) =>
  new Runtime({
    facts,
    sandboxes: store.sandboxes,
    containers: store.containers,
    leases: leasesOf(store),
    nft: (commands) => nft.run(commands),
    spawnMonitor: () => monitors.take(),
    log,
  });

/** The runtime's view of the store's leases. */
function leasesOf({ leases }: Store<Kept>) {
  return {
    acquire: (podUid: string) => leases.acquire(podUid),
    release: (podUid: string) => void leases.release(podUid),
    peek: () => leases.preview(1)[0] as PodNetwork,
  };
}

function requireRoot(): void {
  const uid = process.geteuid?.();
  if (uid === 0) return;
  const message = `the podrun daemon must run as root, and this is user ${uid}: try sudo podrun …`;
  throw new PodrunError("NotRoot", message, { details: { uid } });
}

function makeStateFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw stateUnavailable(path, `can't be made: ${errnoOf(cause)}; podrun keeps its state there`, cause);
  }
}

/** Containers' files lie below it, setuid ones too: nobody but root may come there. */
function requirePrivate(path: string): void {
  const { uid, mode } = statSync(path);
  if (uid !== 0)
    throw stateUnavailable(path, `belongs to user ${uid}; podrun's state must be root's: chown root ${path}`);
  if ((mode & 0o077) === 0) return;
  const octal = (mode & 0o7777).toString(8);
  throw stateUnavailable(
    path,
    `is open to other users (mode ${octal}), and containers' files lie below it: chmod 700 ${path}`,
  );
}

const stateUnavailable = (path: string, why: string, cause?: unknown): PodrunError =>
  new PodrunError("StateUnavailable", `the folder ${path} ${why}`, { details: { path, errno: errnoOf(cause) }, cause });
