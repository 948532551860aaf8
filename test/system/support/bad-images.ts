// What every test of a bad image has in common: an instance on a small file system, and what must be so after a failed pull.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { HostWatch } from "./host-watch.ts";
import { HostileRegistry } from "./hostile-registry.ts";
import { busyboxLayer } from "./images.ts";
import { type Instance, type InstanceOptions, type Result, startInstance } from "./podrun.ts";
import { registryEnv } from "./registry.ts";

export interface BadImages {
  readonly registry: HostileRegistry;
  readonly podrun: Instance;
  readonly host: HostWatch;
  /** A good image that is pulled after each bad one. */
  readonly good: string;
}

export interface BadImagesOptions extends InstanceOptions {
  /** Of the file system of the state, as tmpfs takes it: `size=400m`. */
  readonly disk?: string;
}

/** The state lies on a tmpfs: whatever is unpacked, this machine's disk does not fill up. */
export async function setUpBadImages(
  t: Test,
  { disk = "size=400m", env, ...options }: BadImagesOptions = {},
): Promise<BadImages> {
  const host = new HostWatch(t);
  const registry = await HostileRegistry.start(t);
  const podrun = startInstance(t, { ...options, env: { ...registryEnv(t, [registry]), ...env } });
  mountState(podrun, disk);
  const good = await registry.image("good", { layers: [busyboxLayer()], config: { Cmd: ["sleep", "100000"] } });
  return { registry, podrun, host, good: good.reference };
}

/** Puts an instance's state on a tmpfs of its own. Before its first command. */
export function mountState(podrun: Instance, options: string): void {
  const { root } = podrun.config;
  mkdirSync(root, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `mode=700,${options}`, "podrun-test", root]);
  podrun.afterwards.push(() => execFileSync("umount", ["-l", root]));
}

/** What is below ROOT/images, by folder: names of layers, of what is being made, of skeletons. */
export function imageFolders(podrun: Instance): Readonly<Record<string, readonly string[]>> {
  const folder = join(podrun.config.root, "images");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return Object.fromEntries(names.map((name) => [name, readdirSync(join(folder, name))]));
}

/** Names of images with tags, ids of those without names; not what podrun has with it. */
export async function imageNames(podrun: Instance): Promise<readonly string[]> {
  const text = await podrun.ok("images", "-o", "json");
  const list = JSON.parse(text) as
    | { references: string[]; id: string }[]
    | { items: { references: string[]; id: string }[] };
  const items = "items" in list ? list.items : list;
  return items
    .flatMap(({ references, id }) =>
      references.length === 0 ? [id] : references.filter((name) => !name.includes("@")),
    )
    .filter((name) => !name.startsWith("podrun.local/"));
}

/** Escape sequences and other bytes that a terminal would obey. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** One pull that must fail, in these words; and then everything must be as if it had not been. The error's text. */
export async function expectRefusal(
  t: Test,
  { podrun, host, good }: BadImages,
  image: { readonly reference: string; readonly layer?: string | undefined },
  words: RegExp,
): Promise<Result> {
  const result = await podrun.podrun("pull", image.reference);
  t.equal(result.code, 1, "the pull fails");
  t.match(result.stderr, words, "the error says what is wrong");
  t.ok(result.stderr.includes(image.reference), `the error names the image: ${result.stderr}`);
  if (image.layer !== undefined)
    t.ok(result.stderr.includes(image.layer), `the error names the layer: ${result.stderr}`);
  t.notMatch(result.stderr, CONTROLS, "no byte of the image reaches the terminal as it is");
  t.notMatch(result.stderr, /\n\s+at .*:\d+/, "no stack trace");
  await expectNothingLeft(t, podrun, image.reference);
  t.same(host.changes(), [], "the host is untouched");
  await podrun.ok("pull", good);
  await podrun.ok("rmi", good);
  return result;
}

/** Neither image nor half a layer; whole layers may stay until a prune. */
export async function expectNothingLeft(t: Test, podrun: Instance, reference: string): Promise<void> {
  t.same(
    (await imageNames(podrun)).filter((name) => name === reference),
    [],
    "there is no image",
  );
  t.same(imageFolders(podrun)["tmp"] ?? [], [], "nothing half made is left");
  t.equal(await podrun.findings(), "", "system check finds nothing");
}
