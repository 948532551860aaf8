export type { MachineFacts, NetworkLease } from "./facts.ts";
export { PlanLayerPacker } from "./layer-packer.ts";
export { readMachine } from "./machine.ts";
export type { ContainerRecord, Leases, RecordStore, SandboxRecord } from "./records.ts";
export { Runtime } from "./runtime.ts";
