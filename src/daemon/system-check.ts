import { setTimeout as delay } from "node:timers/promises";
import { Deadline } from "../base/deadline.ts";
import type { Finding } from "../pod/index.ts";
import { type Difference, keyOf } from "./check/difference.ts";
import { checkFolders } from "./check/folders.ts";
import { checkImages } from "./check/images.ts";
import { checkNetwork } from "./check/network.ts";
import { checkProcesses } from "./check/processes.ts";
import type { Parts } from "./parts.ts";

/** The kernel frees namespaces and links some time after their last process (45 ms tried); pods come and go meanwhile. */
const PATIENCE_MILLIS = 3000;
const PAUSE_MILLIS = 50;

/** What differs between records and kernel, and stays so: what is only on its way is waited for. */
export async function findDifferences(parts: Parts): Promise<Difference[]> {
  const deadline = new Deadline(PATIENCE_MILLIS);
  let lasting = await lookAtAll(parts);
  while (lasting.length > 0 && !deadline.expired) {
    await delay(PAUSE_MILLIS);
    const before = new Set(lasting.map(keyOf));
    lasting = (await lookAtAll(parts)).filter((difference) => before.has(keyOf(difference)));
  }
  return lasting;
}

async function lookAtAll(parts: Parts): Promise<Difference[]> {
  // The network first: it waits, and what follows is then of one moment.
  const network = await checkNetwork(parts);
  return [...checkProcesses(parts), ...network, ...checkFolders(parts), ...checkImages(parts)];
}

export async function checkSystem(parts: Parts): Promise<readonly Finding[]> {
  return (await findDifferences(parts)).map((difference) => ({
    ...describe(difference),
    repairable: difference.repair !== undefined,
  }));
}

/** Mends what can be mended, in the order of the findings: records before what they stand for. */
export async function repairSystem(parts: Parts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const difference of await findDifferences(parts)) {
    const finding = { ...describe(difference), repairable: difference.repair !== undefined };
    try {
      await difference.repair?.();
      findings.push({ ...finding, repaired: finding.repairable });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      findings.push({ ...finding, message: `${finding.message}; the repair failed: ${reason}`, repaired: false });
    }
  }
  return findings;
}

const describe = ({ kind, object, message }: Difference): Finding => ({ kind, object, message });
