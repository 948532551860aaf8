// cp: files into and out of containers, whatever is in their images, and whatever links are there.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Instance, makeManifest, startInstance, type Teardown } from "./support/podrun.ts";

t.setTimeout(300_000);

function scratch(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-cp-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const sh = (podrun: Instance, pod: string, script: string): Promise<string> =>
  podrun.ok("exec", pod, "--", "sh", "-ec", script);

t.test("a tree goes into a container and comes out again as it was", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "sub/deep"), { recursive: true });
  mkdirSync(join(tree, "empty"));
  const big = randomBytes(3_000_001);
  writeFileSync(join(tree, "big"), big);
  writeFileSync(join(tree, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(tree, "sub/deep/secret"), "hush", { mode: 0o600 });
  writeFileSync(join(tree, `${"long".repeat(40)} ü`), "name");
  writeFileSync(join(tree, ".wh.plain"), "no whiteout here");
  symlinkSync("sub/deep", join(tree, "into"));
  // More than Node takes for a leak of listeners.
  for (let count = 0; count < 12; count++) writeFileSync(join(tree, `small-${count}`), "");
  chownSync(join(tree, "run.sh"), 1234, 2345);
  await podrun.start(makeManifest("web"));
  t.same(await podrun.podrun("cp", tree, "web:/srv-new"), { code: 0, stdout: "", stderr: "" }, "under a new name");
  t.match(
    await sh(podrun, "web", "stat -c '%a %u %g' /srv-new/run.sh /srv-new/sub/deep/secret"),
    "755 1234 2345\n600 0 0",
  );
  await podrun.ok("cp", tree, "default/web:/tmp", "-c", "main");
  t.equal(await sh(podrun, "web", "cd /tmp/tree; readlink into; cat .wh.plain"), "sub/deep\nno whiteout here");
  await podrun.ok("cp", "web:/tmp/tree", join(folder, "back"));
  t.same(readdirSync(join(folder, "back")).sort(), readdirSync(tree).sort());
  t.ok(readFileSync(join(folder, "back/big")).equals(big));
  t.equal(statSync(join(folder, "back/sub/deep/secret")).mode & 0o777, 0o600);
  t.equal(readlinkSync(join(folder, "back/into")), "sub/deep");
});

t.test("a file goes into a folder that is there, under a name that is given, and over a file", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  const file = join(folder, "file");
  writeFileSync(file, "one");
  await podrun.start(makeManifest("web", [{ name: "main", workingDir: "/home" }]));
  await podrun.ok("cp", file, "web:/tmp");
  await podrun.ok("cp", file, "web:/tmp/");
  await podrun.ok("cp", file, "web:/tmp/other");
  await podrun.ok("cp", file, "web:relative");
  t.equal(await sh(podrun, "web", "cat /tmp/file /tmp/other /home/relative"), "oneoneone");
  writeFileSync(file, "two");
  await podrun.ok("cp", file, "web:/tmp/file");
  t.equal(await sh(podrun, "web", "cat /tmp/file"), "two");
  mkdirSync(join(folder, "existing"));
  await podrun.ok("cp", "web:/tmp/file", join(folder, "existing"));
  await podrun.ok("cp", "web:/tmp/file", join(folder, "made/for/it"));
  t.equal(
    readFileSync(join(folder, "existing/file"), "utf8") + readFileSync(join(folder, "made/for/it"), "utf8"),
    "twotwo",
  );
  await podrun.ok("cp", "web:/proc/1/cmdline", join(folder, "cmdline"));
  t.match(readFileSync(join(folder, "cmdline"), "utf8"), /^sleep/, "what has no length until it is read");
});

t.test("what is in a folder goes into one that is there", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  mkdirSync(join(folder, "site"));
  writeFileSync(join(folder, "site/page"), "page");
  await podrun.start(makeManifest("web"));
  await sh(podrun, "web", "mkdir -m 700 /srv; touch /srv/kept");
  await podrun.ok("cp", `${folder}/site/.`, "web:/srv");
  t.equal(await sh(podrun, "web", "ls /srv; stat -c %a /srv"), "kept\npage\n700\n");
  mkdirSync(join(folder, "here"));
  await podrun.ok("cp", "web:/srv/", join(folder, "here"));
  t.same(readdirSync(join(folder, "here")).sort(), ["kept", "page"]);
});

t.test("files belong to the container's user where it is not root, or with --no-preserve", async (t) => {
  const podrun = startInstance(t);
  const file = join(scratch(t), "file");
  writeFileSync(file, "text");
  chownSync(file, 1234, 1234);
  chmodSync(file, 0o4777);
  const securityContext = { runAsUser: 1000, runAsGroup: 2000, capabilities: { drop: ["ALL"] } };
  await podrun.start(makeManifest("user", [{ name: "main", securityContext }]), makeManifest("root"));
  await podrun.ok("cp", file, "user:/tmp/file");
  t.equal(await sh(podrun, "user", "stat -c '%a %u %g' /tmp/file"), "777 1000 2000\n");
  await podrun.ok("cp", "--no-preserve", file, "root:/tmp/file");
  t.equal(await sh(podrun, "root", "stat -c '%a %u %g' /tmp/file"), "755 0 0\n");
  const refused = await podrun.podrun("cp", file, "user:/etc/file");
  t.match(refused, {
    code: 1,
    stderr: /container "main": \/etc\/file: permission denied \(the container's user is 1000\)/,
  });
  await sh(podrun, "root", "touch /tmp/x");
  const unread = await podrun.podrun("cp", "user:/root", join(file, "../out"));
  t.match(unread, { code: 1, stderr: /\/root: permission denied/ });
});

t.test("an image that has nothing at all can be copied into and out of", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  writeFileSync(join(folder, "file"), "text");
  // Nothing of the image is left but the process that runs.
  const command = ["sh", "-c", "sleep 100000 & exec 3</bin/busybox; busybox rm -rf /bin /usr /sbin /dev/null; wait"];
  await podrun.start(makeManifest("bare", [{ name: "main", command }]));
  t.not((await podrun.podrun("exec", "bare", "--", "/bin/busybox", "true")).code, 0);
  await podrun.ok("cp", join(folder, "file"), "bare:/tmp/file");
  await podrun.ok("cp", "bare:/tmp/file", join(folder, "back"));
  t.equal(readFileSync(join(folder, "back"), "utf8"), "text");
});

t.test("no link of the container's leads a copy out of it, into or out of it", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "victim"), "untouched");
  writeFileSync(join(folder, "file"), "evil");
  await podrun.start(makeManifest("web"));
  await sh(
    podrun,
    "web",
    `ln -s ${outside} /tmp/away; ln -s ../../../../../../../../${outside} /tmp/up; ln -s /proc/1/root/.. /tmp/proc`,
  );
  for (const link of ["away", "up"])
    t.match(await podrun.podrun("cp", join(folder, "file"), `web:/tmp/${link}/victim`), { code: 1 }, link);
  await sh(podrun, "web", `mkdir -p ${outside}`);
  await podrun.ok("cp", join(folder, "file"), "web:/tmp/away/victim");
  t.equal(await sh(podrun, "web", `cat ${outside}/victim`), "evil", "it is the container's own folder");
  t.equal(readFileSync(join(outside, "victim"), "utf8"), "untouched");
  t.not((await podrun.podrun("cp", "web:/tmp/proc/etc/hostname", join(folder, "h"))).code, 0, "procfs has no way out");

  await sh(
    podrun,
    "web",
    `mkdir -p /tree/a/b /tree/d; cd /tree; echo x >a/b/f; ln -s /etc/passwd abs; ln -s ../x up;
    ln -s a/../../x sly; ln -s a/b fine; ln -s ../d a/over; ln -s . self; mkfifo fifo`,
  );
  const result = await podrun.podrun("cp", "web:/tree", join(folder, "tree"));
  t.equal(result.code, 1, "the FIFO could not be copied");
  t.match(result.stderr, "skipping symlink: ");
  for (const name of ["abs", "up", "sly"]) t.notOk(existsSync(join(folder, "tree", name)), name);
  t.match(result.stderr, 'warning: skipping "fifo": neither a file nor a directory');
  t.equal(readFileSync(join(folder, "tree/fine/f"), "utf8"), "x\n");
  t.equal(readlinkSync(join(folder, "tree/a/over")), "../d");
});

t.test("nothing is written through a link that is below the local destination", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  const outside = join(folder, "outside");
  const back = join(folder, "back");
  mkdirSync(outside);
  mkdirSync(back);
  writeFileSync(join(outside, "f"), "untouched");
  symlinkSync(outside, join(back, "sub"));
  symlinkSync(join(outside, "f"), join(back, "g"));
  await podrun.start(makeManifest("web"));
  await sh(podrun, "web", "mkdir -p /tree/sub; echo evil | tee /tree/sub/f /tree/sub/new >/tree/g; echo good >/tree/h");
  const result = await podrun.podrun("cp", "web:/tree", back);
  t.match(result, { code: 1, stderr: /nothing is written through a link/ });
  t.same(readdirSync(outside), ["f"]);
  t.equal(readFileSync(join(outside, "f"), "utf8"), "untouched");
  t.equal(readFileSync(join(back, "h"), "utf8"), "good\n", "the rest has come");
  t.ok(lstatSync(join(back, "g")).isSymbolicLink());
});

t.test("a folder is not replaced by a file, nor a file by a folder", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  mkdirSync(join(folder, "name"));
  writeFileSync(join(folder, "name/inner"), "x");
  writeFileSync(join(folder, "inner"), "x");
  await podrun.start(makeManifest("web"));
  await sh(podrun, "web", "mkdir -p /a/inner/full; touch /b /a/inner/full/kept; mkdir /c; touch /c/name");
  t.match(await podrun.podrun("cp", join(folder, "inner"), "web:/a"), {
    code: 1,
    stderr: /\/a\/inner: is a directory/,
  });
  t.match(await podrun.podrun("cp", join(folder, "name"), "web:/b"), { code: 1, stderr: /\/b is not a directory/ });
  t.match(await podrun.podrun("cp", join(folder, "name"), "web:/c"), { code: 1, stderr: /\/c\/name: .*no directory/ });
  t.equal(await sh(podrun, "web", "ls /a/inner/full"), "kept\n");
});

t.test("60 MB come out as they are, and a full disk in the container is said", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  const limited = { volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }] };
  await podrun.start(
    makeManifest("web", [{ name: "main", volumeMounts: [{ name: "v", mountPath: "/small" }] }], limited),
  );
  await sh(podrun, "web", "head -c 60000000 /dev/urandom >/big");
  await podrun.ok("cp", "web:/big", join(folder, "big"));
  const [inside = ""] = (await sh(podrun, "web", "sha256sum /big")).split(" ");
  t.match(execFileSync("sha256sum", [join(folder, "big")]).toString(), inside);
  const full = await podrun.podrun("cp", join(folder, "big"), "web:/small/big");
  t.match(full, { code: 1, stderr: /\/small\/big: no space left on device/ });
});

t.test("what can't be copied is refused with its reason", async (t) => {
  const podrun = startInstance(t);
  const folder = scratch(t);
  await podrun.start(makeManifest("web"));
  const cases: readonly (readonly [RegExp, ...string[]])[] = [
    [/source and destination are required/, "web:/tmp"],
    [/one of SOURCE and DESTINATION is to be a path in a pod/, "a", "b"],
    [/one of SOURCE and DESTINATION/, "web:/a", "web:/b"],
    [/want POD:PATH or NAMESPACE\/POD:PATH/, "a/b/c:/tmp", folder],
    [/filepath can not be empty/, "web:", folder],
    [/doesn't exist in local filesystem/, join(folder, "none"), "web:/tmp"],
    [/\/none: no such file or directory/, "web:/none", folder],
    [/\/no: no such directory in the container/, folder, "web:/no/where"],
    [/\/new\/: no such directory in the container/, "/etc/hostname", "web:/new/"],
    [/\/dev\/null: is neither a file nor a directory/, "web:/dev/null", folder],
    [/has no container "other"/, "web:/tmp", folder, "-c", "other"],
    [/pods "none" not found/, "none:/tmp", folder],
  ];
  for (const [words, ...argv] of cases)
    t.match(await podrun.podrun("cp", ...argv), { code: 1, stderr: words }, argv.join(" "));
  await podrun.apply(makeManifest("done", [{ name: "main", command: ["true"] }], { restartPolicy: "Never" }));
  await podrun.untilPod("done", ({ status }) => status.phase === "Succeeded");
  t.match(await podrun.podrun("cp", "done:/etc/passwd", folder), { code: 1, stderr: /is not running/ });
});
