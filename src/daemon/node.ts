import { timestamp } from "../base/clock.ts";
import { DiskMeter } from "../linux/disk-meter.ts";
import { EventRecorder, type Node, type NodeFacts, NodePressure, systemTimers, Turns } from "../pod/index.ts";
import { diskWalkerProgram } from "./files.ts";
import { readNodeSettings } from "./node-facts.ts";

/** What every pod's worker stands on, with this machine's own clock, disk and settings. Throws TypeError for settings that make no sense. */
export function makeNode(
  parts: Pick<Node, "config" | "runtime" | "images" | "objects" | "log">,
  facts: NodeFacts,
): Node & { readonly meter: DiskMeter } {
  return {
    ...parts,
    facts,
    events: new EventRecorder({ host: facts.name }),
    timers: systemTimers,
    turns: new Turns(),
    settings: readNodeSettings(),
    pressure: new NodePressure(timestamp(Date.now())),
    meter: new DiskMeter(diskWalkerProgram()),
  };
}
