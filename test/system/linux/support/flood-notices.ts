// In a network namespace of its own: more changes at once than the socket holds, while nothing reads it.
import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { watchHost } from "../../../../src/linux/netlink/index.ts";

const NO_LINK = 99_999;
let missed = 0;
const notices = watchHost(NO_LINK, () => missed++);
const batch = Array.from({ length: 6000 }, (_, i) => `10.9.${i >> 8}.${i & 255}/32`).flatMap((address) => [
  `address add ${address} dev lo`,
  `address del ${address} dev lo`,
]);
execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["-batch", "-"], { input: batch.join("\n") });
while (missed === 0) await delay(5);
console.log("missed");
execFileSync("ip", ["address", "add", "10.8.0.1/32", "dev", "lo"]);
notices.close();
