// Run with descriptor 3 open: frees it, so that the sealed binary takes its number, and starts a monitor.
import { closeSync } from "node:fs";
import { spawnMonitor } from "../../../../src/linux/monitor/index.ts";

closeSync(3);
const client = spawnMonitor({ binary: process.argv[2] as string });
await client.ready;
client.close();
console.log("started");
