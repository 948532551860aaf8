// The same image pulled by podrun and by podman: the merged trees are compared entry by entry.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { containerProcess } from "./support/container.ts";
import { DUPLICATES, everything, gnuLayer } from "./support/every-entry.ts";
import { busyboxLayer, layered, nginx } from "./support/images.ts";
import { Podman } from "./support/podman.ts";
import { type Instance, makeManifest, startInstance } from "./support/podrun.ts";
import { type Compression, type ImageFormat, type ImageParts, pushImage } from "./support/push.ts";
import { type Registry, registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/tar.ts";
import { compareTrees, listTree, type TreeEntry } from "./support/tree.ts";

type Tree = ReadonlyMap<string, TreeEntry>;

/** Lines that compareTrees may say, with podrun left and podman right, and why that is right. */
const EXPECTED: readonly { readonly line: RegExp; readonly why: string }[] = [
  {
    line: /^"\.": (mode|mtime) /,
    why: "no layer has an entry for the root: podman's is 0555, ours 0755, made at the pull",
  },
  {
    line: /^"(implicit(\/parents(\/of(\/a)?)?)?|usr(\/lib)?)": mtime /,
    why: "the topmost layer that has the folder has no entry for it: the time is that of the unpacking",
  },
  { line: /^"times\/before": mtime "-1000000250000000" left, "0" right$/, why: "podman knows no time before 1970" },
  { line: /^"xattr\/empty-value": xattrs .* left, none right$/, why: "podman drops attributes that have no value" },
];

async function setUp(t: Test): Promise<{ registry: Registry; podrun: Instance }> {
  const registry = await startRegistry(t);
  return { registry, podrun: startInstance(t, { env: registryEnv(t, [registry]) }) };
}

/** The merged tree as a container of the image has it, without what is mounted into it. */
async function treeOf(podrun: Instance, image: string, options: { readonly blocks?: boolean } = {}): Promise<Tree> {
  await podrun.start(makeManifest("tree", [{ name: "main", image, command: ["/bin/sleep", "100000"] }]));
  const tree = listTree(`/proc/${containerProcess(podrun, "sleep")}/root`, options);
  await podrun.ok("delete", "pod", "tree");
  return tree;
}

const unexpected = (differences: readonly string[]): readonly string[] =>
  differences.filter((difference) => !EXPECTED.some(({ line }) => line.test(difference)));

/** Fails unless podrun and podman make the same tree of an image. The tree. */
async function comparePulls(t: Test, name: string, parts: ImageParts): Promise<Tree> {
  const { registry, podrun } = await setUp(t);
  const podman = new Podman(t);
  const image = await pushImage(registry, { name, ...parts });
  await podrun.ok("pull", image.reference);
  t.equal(podman.pull(image.reference), image.id, "podman's image has the id");
  const tree = await treeOf(podrun, image.reference);
  t.same(unexpected(compareTrees(tree, listTree(podman.mount(image.reference)))), [], `${name}: as podman has it`);
  return tree;
}

const FORMATS: readonly (readonly [ImageFormat, Compression])[] = [
  ["oci", "gzip"],
  ["oci", "zstd"],
  ["oci", "none"],
  ["docker", "gzip"],
  ["docker", "none"],
];

for (const [format, compression] of FORMATS)
  t.test(`an image with everything (${format}, ${compression}) is unpacked as podman unpacks it`, async (t) => {
    const tree = await comparePulls(t, "everything:1", { ...everything(), format, compression });
    // Were the trees empty they would be the same, too.
    t.match(tree.get("xattr/capable-owned"), { uid: 1000, xattrs: { "security.capability": /^01000002/ } });
    t.match(tree.get("hard/b/third"), { links: 4, same: "hard/a/first", mode: "0o640", uid: 5 });
    t.match(tree.get("nodes/loop"), { type: "block", device: "7:300" });
    t.match(tree.get("times/fraction"), { mtime: "1234567890123456789" });
    t.match(tree.get("names/not-utf8-\u00ff\u00fe\u0080"), { type: "file" });
    t.same(
      [...tree.keys()].filter((name) => name.startsWith("old/opaque")),
      ["old/opaque", "old/opaque/new"],
    );
    t.notOk(tree.has("old/removed") || tree.has("old/swapped") || tree.has("old/pair-1"), "whiteouts remove");
  });

for (const count of [1, 40, 120])
  t.test(`an image of ${count} layers is unpacked as podman unpacks it`, async (t) => {
    const tree = await comparePulls(t, `layers-${count}:1`, layered(count));
    t.equal([...tree.keys()].filter((name) => /^layers\/\d+$/.test(name)).length, count - 1);
  });

t.test("an nginx of Debian's packages is unpacked as podman unpacks it", async (t) => {
  const tree = await comparePulls(t, "nginx:1", nginx());
  t.ok((tree.get("usr/sbin/nginx")?.size ?? 0) > 100_000);
});

t.test("what is there twice in one layer is as it was last", async (t) => {
  const { registry, podrun } = await setUp(t);
  const { reference } = await pushImage(registry, { name: "twice", layers: [busyboxLayer(), rawTar(DUPLICATES)] });
  await podrun.ok("pull", reference);
  const tree = await treeOf(podrun, reference);
  t.match(tree.get("again"), { mode: "0o700", mtime: "77000000000" });
  t.match(tree.get("again/file"), { size: "second, and longer".length, mode: "0o600" }, "not written through the link");
  t.match(tree.get("again/link-to-file"), { type: "file", size: "a file of its own".length });
  t.match(tree.get("again/file-to-folder"), { type: "folder" });
});

for (const format of ["gnu", "posix"] as const)
  t.test(`sparse files (${format}) keep their holes and their content, as GNU tar unpacks them`, async (t) => {
    const { registry, podrun } = await setUp(t);
    const layer = gnuLayer(format, true);
    const { reference } = await pushImage(registry, { name: "sparse", layers: [busyboxLayer(), layer] });
    await podrun.ok("pull", reference);
    const tree = await treeOf(podrun, reference, { blocks: true });
    const folder = mkdtempSync(join(tmpdir(), "podrun-sparse-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    execFileSync("tar", ["-C", folder, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xf", "-"], {
      input: layer,
    });
    for (const [name, entry] of listTree(folder, { blocks: true })) {
      if (name === "." || entry.type === "folder") continue;
      const { blocks, ...rest } = tree.get(name) ?? { name };
      const { blocks: wanted = 0, ...other } = entry;
      t.same(rest, other, name);
      t.ok((blocks ?? 0) <= wanted + 64, `${name} takes ${blocks} blocks, ${wanted} after GNU tar`);
    }
  });
