import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { checkHostPaths, removeVolumes, setUpVolumes } from "../../../src/pod/volumes.ts";
import type { Container, Pod } from "../../../src/spec/index.ts";
import { makePod, NO_CLAIMS } from "./fixtures.ts";

const setUp = (pod: Pod, root: string) => setUpVolumes(pod, { claims: NO_CLAIMS, config: { root } });

function scratch(t: { teardown(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-volumes-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const hostPath = (path: string, type: string) =>
  makePod({ volumes: [{ name: "v", hostPath: { path, type } }] }, { uid: "u-1" });

t.test(
  "an emptyDir is a folder that anybody may write to, whatever our umask; made again it stays as it is",
  async (t) => {
    const root = scratch(t);
    const pod = makePod({ volumes: [{ name: "data" }] }, { uid: "u-1" });
    const umask = process.umask(0o77);
    t.teardown(() => void process.umask(umask));
    const source = setUp(pod, root).get("data")?.source;
    if (source?.kind !== "host") throw new Error("not on the host");
    t.equal(statSync(source.path).mode & 0o7777, 0o777);
    writeFileSync(join(source.path, "file"), "x");
    setUp(pod, root);
    t.ok(existsSync(join(source.path, "file")));
    const outside = join(root, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(source.path, "link"));
    await removeVolumes(root, "u-1");
    t.notOk(existsSync(source.path));
    t.ok(existsSync(outside), "links are not followed");
    await removeVolumes(root, "u-1");
  },
);

t.test("each hostPath type takes what it names and refuses anything else, saying what", async (t) => {
  const root = scratch(t);
  const [folder, file] = [join(root, "folder"), join(root, "file")];
  mkdirSync(folder);
  writeFileSync(file, "");
  const good = [
    [folder, "Directory"],
    [folder, "DirectoryOrCreate"],
    [file, "File"],
    [file, "FileOrCreate"],
    ["/dev/null", "CharDevice"],
    [file, ""],
  ];
  for (const [path, type] of good)
    t.doesNotThrow(() => setUp(hostPath(path as string, type as string), root), `${path} ${type}`);
  const bad = [
    [file, "Directory", "is not a directory"],
    [folder, "File", "is not a file"],
    [file, "Socket", "is not a socket file"],
    [file, "CharDevice", "is not a character device"],
    ["/dev/null", "BlockDevice", "is not a block device"],
    [join(root, "none"), "Directory", "is not a directory: it does not exist"],
    [join(root, "none"), "File", "is not a file: it does not exist"],
    [join(root, "no/folder/file"), "FileOrCreate", "its folder .* does not exist"],
  ] as const;
  for (const [path, type, problem] of bad)
    t.throws(() => setUp(hostPath(path, type), root), {
      code: "InvalidObject",
      message: new RegExp(`volume "v": .*${problem}.*type ${type}`),
    });
});

t.test("what may be created is created, and never emptied", async (t) => {
  const root = scratch(t);
  setUp(hostPath(join(root, "a/b"), "DirectoryOrCreate"), root);
  setUp(hostPath(join(root, "c/d"), ""), root);
  t.ok(statSync(join(root, "a/b")).isDirectory() && statSync(join(root, "c/d")).isDirectory());
  writeFileSync(join(root, "file"), "kept");
  setUp(hostPath(join(root, "file"), "FileOrCreate"), root);
  t.equal(statSync(join(root, "file")).size, 4);
});

t.test(
  "a host path that vanishes is made anew or told before the next run of a container that mounts it",
  async (t) => {
    const root = scratch(t);
    const node = { claims: NO_CLAIMS, config: { root } };
    const [made, kept] = [join(root, "made"), join(root, "kept")];
    mkdirSync(kept);
    const pod = makePod({
      volumes: [
        { name: "made", hostPath: { path: made } },
        { name: "kept", hostPath: { path: kept, type: "Directory" } },
      ],
    });
    const mounting = (name: string) => ({
      ...(pod.spec.containers[0] as Container),
      volumeMounts: [{ name, mountPath: "/m" }],
    });
    setUpVolumes(pod, node);
    rmSync(made, { recursive: true });
    rmSync(kept, { recursive: true });
    checkHostPaths(mounting("made"), pod, node);
    t.ok(statSync(made).isDirectory());
    t.throws(() => checkHostPaths(mounting("kept"), pod, node), {
      message: /volume "kept": hostPath type check failed: .*kept is not a directory: it does not exist/,
    });
  },
);
