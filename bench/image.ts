// `npm run bench -- image`: how long a pull takes, whole command lines in turns; and whether a start depends on an image's size.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { registryEnv } from "../test/system/support/registry.ts";
import type { Contender } from "./contender.ts";
import { now } from "./contender.ts";
import { serveImages } from "./image-content.ts";
import { DIST } from "./instance.ts";
import { MEASURES, type Results, record } from "./measures.ts";
import { openPeers } from "./peers.ts";
import { Podrun } from "./podrun.ts";
import { run } from "./processes.ts";

export interface ImageOptions {
  /** A folder on the disk or on a tmpfs: the state of all contenders. */
  readonly work: string;
  readonly rounds: number;
  readonly peers: boolean;
  readonly profile?: string | undefined;
  readonly against?: string | undefined;
}

const STARTS_A_ROUND = 10;
/** The first pull of each compiles code, and does not count. */
const WARM_UP_ROUNDS = 1;

/** Contenders are added to the list as they come, for whoever takes them down. */
export async function measureImages(
  { work, rounds, peers, profile, against }: ImageOptions,
  contenders: Contender[],
  results: Results,
  say: (text: string) => void,
): Promise<void> {
  const teardowns: (() => void | Promise<void>)[] = [];
  const t = { teardown: (clean: () => void | Promise<void>) => void teardowns.unshift(clean) };
  try {
    const { registry, large, small } = await serveImages(t, say);
    const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    say(
      `${large.layers} layers, ${large.files} entries, ${mega(large.bytes)}, ${mega(large.packedBytes)} packed with gzip`,
    );
    Object.assign(process.env, registryEnv(t, [registry]));
    const name = `bi${(process.pid % 46656).toString(36)}`;
    const podrun = await Podrun.open("podrun", { name, work: join(work, "podrun"), dist: DIST, network: 91, profile });
    contenders.push(podrun);
    if (against !== undefined) {
      const other = { name: `x${name}`, work: join(work, "against"), dist: against, network: 93 };
      contenders.push(await Podrun.open("against", other));
    }
    if (peers) contenders.push(...(await openPeers(work, say)));
    const reference = `${registry.host}/${large.name}`;
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++)
      await measurePulls(contenders, { reference, work }, round < 0 ? new Map() : results);
    await measureStarts(podrun, [`${registry.host}/${small.name}`, reference], rounds * STARTS_A_ROUND, results);
  } finally {
    for (const clean of teardowns) await clean();
    rmSync(join(work, "podrun", "logs"), { recursive: true, force: true });
  }
}

/**
 * Nothing of anybody's is on its way to the disk when a pull begins. What a pull leaves to be written later is written, and
 * measured, after it: podrun records nothing before it is on the disk, others leave that to the kernel.
 */
async function measurePulls(
  contenders: readonly Contender[],
  { reference, work }: { reference: string; work: string },
  results: Results,
): Promise<void> {
  for (const contender of contenders) {
    if (!contender.pull || !contender.removeImage) continue;
    await run("sync", ["-f", work]);
    await delay(500);
    const begin = now();
    await contender.pull(reference);
    const pulled = now();
    await run("sync", ["-f", work]);
    record(results, MEASURES.pull, contender.name, pulled - begin);
    record(results, MEASURES.pullSynced, contender.name, now() - begin);
    await contender.removeImage(reference);
  }
}

async function measureStarts(
  podrun: Podrun,
  images: readonly string[],
  count: number,
  results: Results,
): Promise<void> {
  for (const image of images) await podrun.pull(image);
  for (let round = -3; round < count; round++)
    for (const [index, image] of images.entries()) {
      await delay(60);
      const sample = await podrun.start(90_000, image);
      if (round >= 0) record(results, index === 0 ? MEASURES.startSmall : MEASURES.startLarge, podrun.name, sample);
      await podrun.delete(90_000);
    }
}
