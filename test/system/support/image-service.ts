// Pulls into real layers, without a daemon.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImageRecord, Images } from "../../../src/image/index.ts";
import { openRegistries } from "../../../src/image/registry/index.ts";
import { PlanLayerPacker } from "../../../src/sandbox/layer-packer.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import type { Teardown } from "./podrun.ts";

const BINARY = join(import.meta.dirname, "../../../dist/podrun-monitor");

/** Images in a folder of the test's own. `env`: of the files of registries (registryEnv); default: every image is accepted. */
export function openImages(t: Teardown, env?: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "podrun-pull-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, "home");
  mkdirSync(home);
  const policy = join(folder, "policy.json");
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const files = env ?? { PODRUN_POLICY: policy };
  const place = { home, env: files, etc: join(folder, "etc"), run: join(folder, "run"), uid: 0 };
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const images = new Images({
    root: join(folder, "root"),
    records,
    packer: new PlanLayerPacker({ binary: BINARY }),
    registry: openRegistries({ place }),
  });
  const temporary = join(folder, "root/images/tmp");
  const left = (): readonly string[] => (existsSync(temporary) ? readdirSync(temporary) : []);
  return { folder, images, records, left };
}
