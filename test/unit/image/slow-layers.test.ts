import { availableParallelism } from "node:os";
import { join } from "node:path";
import t from "tap";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { FakeHost, fakeRegistry, heldBlob } from "./fake-registry.ts";
import { scratch } from "./fixtures.ts";
import { packer } from "./packer.ts";

/** More than are unpacked at once, three at a time of each image. */
const SLOW_IMAGES = Math.max(4, availableParallelism() + 1);

t.test("images whose registries give no bytes do not hold up others, however many they are", async (t) => {
  const folder = scratch(t);
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const host = new FakeHost();
  const images = new Images({ root: folder, records, packer, registry: fakeRegistry({ hosts: { "r.test": host } }) });
  const ender = new AbortController();
  const slow: Promise<unknown>[] = [];
  for (let at = 0; at < SLOW_IMAGES; at++) {
    const entries = [0, 1, 2].map((layer) => [{ name: `slow-${at}-${layer}`, content: "slow" }]);
    const { layers } = await host.push(`slow-${at}`, { layers: entries });
    for (const layer of layers) host.answers.set(layer, (request) => heldBlob(Buffer.alloc(0)).open(request));
    slow.push(images.pull({ reference: `r.test/slow:slow-${at}`, signal: ender.signal }).catch(() => undefined));
  }
  await host.push("quick", { layers: [[{ name: "quick", content: "quick" }]] });
  await images.pull({ reference: "r.test/quick:quick" });
  t.match(images.list(), [{ references: [/quick/, /quick/] }]);
  ender.abort();
  await Promise.all(slow);
});
