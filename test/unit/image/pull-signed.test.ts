import { join } from "node:path";
import t from "tap";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { fakeRegistry } from "./fake-registry.ts";
import { layout, scratch, writeFolder } from "./fixtures.ts";
import { packer } from "./packer.ts";

t.test(
  "an image whose signature counts comes by skopeo, under the name and the digest that were asked for",
  async (t) => {
    const folder = scratch(t);
    const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
    const files = await layout({ name: undefined });
    const manifest = JSON.parse(String(files.get("index.json"))).manifests[0].digest;
    const verdict = { kind: "signed", file: "/policy.json", scope: "default" } as const;
    const registry = fakeRegistry({ hosts: {} });
    let copies = 0;
    const images = new Images({
      root: folder,
      records,
      packer,
      registry: {
        ...registry,
        files: { ...registry.files, policy: async () => ({ judge: () => verdict }) },
        copySigned: async (request) => {
          copies++;
          writeFolder(request.folder, files);
        },
      },
    });
    const index = `sha256:${"1".repeat(64)}`;
    t.match(await images.pull({ reference: "r.test/app:1" }), {
      reference: "r.test/app:1",
      digest: manifest,
      unchanged: false,
    });
    t.match(await images.pull({ reference: `r.test/app@${index}` }), {
      reference: `r.test/app@${index}`,
      digest: index,
    });
    t.match(await images.pull({ reference: "r.test/app:1" }), { unchanged: true });
    t.equal(copies, 3, "each time: who has signed it may have changed");
    t.same(
      [...(images.list()[0]?.references ?? [])].sort(),
      ["r.test/app:1", `r.test/app@${index}`, `r.test/app@${manifest}`].sort(),
    );
  },
);
