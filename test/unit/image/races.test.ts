// Whatever is done to images at once: what is on record is on the disk, what is not is gone, and nothing is left over.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { FakeHost, fakeRegistry } from "./fake-registry.ts";
import { type LayoutOptions, layout, scratch, tar } from "./fixtures.ts";
import { packer } from "./packer.ts";

t.setTimeout(300_000);

/** What may come of two things at once; everything else is a mistake. */
const ALLOWED = new Set(["Cancelled", "ImageInUse", "ImageNotFound", "Conflict"]);
const NAMES = [1, 2, 3, 4].map((at) => `r.test/app:${at}`);

/** A small generator, so that a run can be had again by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Images whose lower layers are in part each other's. */
const parts = (at: number): LayoutOptions => ({
  name: `r.test/app:${at}`,
  layers: ["all", `half-${at % 2}`, `own-${at}`].map((name) => [{ name, content: name.repeat(5000) }]),
});

for (const seed of [1, 2, 3]) {
  t.test(`pulls, loads, saves, removals and prunings all at once leave whole images only (seed ${seed})`, async (t) => {
    const folder = scratch(t);
    const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
    const host = new FakeHost();
    const archives: Buffer[] = [];
    for (const at of [1, 2, 3, 4]) {
      await host.push(String(at), parts(at));
      archives.push(await tar([...(await layout(parts(at)))].map(([name, content]) => ({ name, content }))));
    }
    const images = new Images({ root: folder, records, packer, registry: fakeRegistry({ hosts: { "r.test": host } }) });
    const below = random(seed);
    const name = (): string => NAMES[below(NAMES.length)] as string;
    const verbs: readonly (() => Promise<unknown>)[] = [
      () => images.pull({ reference: name() }),
      () => images.pull({ reference: name(), signal: AbortSignal.timeout(below(60)) }),
      () => images.load(Readable.from([archives[below(4)] as Buffer])),
      async () => buffer(await images.save([name()])),
      () => images.remove(name(), { force: below(2) === 0 }),
      () => images.prune({ all: below(3) === 0 }),
      () => images.recover(),
      async () => images.tag(name(), `r.test/other:${below(3)}`),
      async () => {
        const { image, release } = await images.hold(name());
        await new Promise(setImmediate);
        for (const layer of image.layers) t.ok(existsSync(join(image.layersFolder, layer)), "what is held is here");
        release();
      },
    ];
    const ends: Promise<unknown>[] = [];
    for (let at = 0; at < 500; at++) {
      const verb = verbs[below(verbs.length)] as () => Promise<unknown>;
      ends.push(verb().catch((error: unknown) => error));
      if (below(4) === 0) await Promise.race(ends.slice(-3));
    }
    for (const end of await Promise.all(ends)) {
      if (end instanceof Error) t.ok(end instanceof PodrunError && ALLOWED.has(end.code), String(end.stack));
    }
    const { layers, skeletons } = images.context.folders;
    const recorded = records
      .layers()
      .map((layer) => layer.folder)
      .sort();
    t.same(readdirSync(layers).sort(), recorded, "one folder for each record");
    t.same(
      readdirSync(skeletons).sort(),
      recorded.map((one) => `${one}.zst`),
      "and one skeleton",
    );
    t.same(readdirSync(join(folder, "images/tmp")), [], "nothing is left over");
    for (const { image } of records.list()) t.same((await images.resolve(image.id)).layers.length, 3);
    t.equal(images.context.layers.pinned.size, 0, "nobody counts on anything any more");
    await images.prune({ all: true });
    t.same(readdirSync(layers), []);
  });
}
