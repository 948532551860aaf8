import { join } from "node:path";
import { timestamp } from "../base/clock.ts";
import { DiskMeter } from "../linux/disk-meter.ts";
import {
  type Claims,
  EventJournal,
  EventRecorder,
  type KeptObjects,
  type Node,
  type NodeFacts,
  NodePressure,
  type NodeRecord,
  systemTimers,
  Turns,
} from "../pod/index.ts";
import { openClaims } from "./claims.ts";
import { diskWalkerProgram } from "./files.ts";
import { type MachineFacts, readNodeSettings } from "./node-facts.ts";

/** What every pod's worker stands on, with this machine's own clock, disk and settings. Throws TypeError for settings that make no sense. */
export function makeNode(
  parts: Pick<Node, "config" | "runtime" | "images" | "log"> & { readonly objects: KeptObjects },
  machine: MachineFacts,
  record: NodeRecord,
): Node & { readonly meter: DiskMeter; readonly claims: Claims } {
  const facts = withPlacement(machine, record);
  const events = new EventRecorder({ host: facts.name, journal: eventJournal(parts) });
  return {
    ...parts,
    facts,
    events,
    claims: openClaims({ ...parts, facts, events }),
    timers: systemTimers,
    turns: new Turns(),
    settings: readNodeSettings(),
    pressure: new NodePressure(timestamp(Date.now())),
    meter: new DiskMeter(diskWalkerProgram()),
  };
}

/** Labels and taints are always those of this moment. */
const withPlacement = (machine: MachineFacts, record: NodeRecord): NodeFacts => ({
  ...machine,
  get labels() {
    return record.labels;
  },
  get taints() {
    return record.taints;
  },
});

const eventJournal = ({ config, log }: Pick<Node, "config" | "log">): EventJournal =>
  new EventJournal({
    path: join(config.root, "events.jsonl"),
    onError: (error) => log.failure("events can't be kept for the next daemon", error),
  });
