export { connectMonitor, MonitorClient } from "./client.ts";
export type { ExitedMessage, ListedMessage } from "./messages.gen.ts";
export type { OperationResult, RunOptions } from "./run.ts";
export { type SpawnedStream, spawnMonitor, spawnMonitorStream } from "./spawn.ts";
export { exitOf, MonitorStream, openStream } from "./stream.ts";
