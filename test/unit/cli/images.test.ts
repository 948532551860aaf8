import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { matchesName } from "../../../src/cli/image/image-filters.ts";
import { readUntil } from "../../../src/cli/image/image-prune.ts";
import { formatAgo, namesOf } from "../../../src/cli/image/image-table.ts";
import { runCommand, startFake } from "../api/fake.ts";
import { hex, listed, notHere } from "../api/fake-images.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test(
  "pull prints the id alone on stdout, what happened on stderr, and nothing but the id with --quiet",
  async (t) => {
    const fake = await startFake(t);
    fake.images.onPull = async ({ onProgress, reference }) => {
      const layer = { type: "layer", digest: hex("1"), bytes: 9, size: 9, unpacked: 9 } as const;
      const layers = [{ digest: hex("1"), size: 9 }];
      onProgress?.({ type: "resolved", reference, digest: hex("b"), source: "mirror.example/web", layers });
      onProgress?.({ ...layer, state: "downloading", bytes: 1 });
      onProgress?.({ ...layer, state: "retrying", message: "connection lost" });
      onProgress?.({ ...layer, state: "done" });
      onProgress?.({ type: "recording" });
      return { id: hex("a"), reference: "docker.io/library/web:latest", digest: hex("b"), unchanged: false, size: 9 };
    };
    said(t, await runCommand(fake, ["pull", "web"]), {
      stdout: `${"a".repeat(64)}\n`,
      stderr:
        `Trying to pull web...\nFound ${hex("b")} at mirror.example/web: 1 layer, 9 B\n` +
        "111111111111: retrying: connection lost\n111111111111: done, 9 B\nWriting to disk\n" +
        "Pulled docker.io/library/web:latest, 9 B on disk\n",
    });
    said(t, await runCommand(fake, ["image", "pull", "-q", "web"]), { stdout: `${"a".repeat(64)}\n`, stderr: /^$/ });
  },
);

t.test("pull's flags reach the daemon; paths are made absolute, what is not given stays open", async (t) => {
  const fake = await startFake(t);
  await runCommand(fake, ["pull", "web"]);
  const { reference, platform, credentials, tlsVerify, authFile } = fake.images.pulls[0] ?? {};
  t.same([reference, platform, credentials, tlsVerify, authFile], ["web", ...Array(4).fill(undefined)]);
  const flags = ["--platform=linux/arm64", "--creds", "bob:a:b", "--tls-verify=false", "--authfile", "auth.json"];
  await runCommand(fake, ["pull", ...flags, "web"]);
  t.match(fake.images.pulls[1], {
    platform: "linux/arm64",
    credentials: { username: "bob", password: "a:b" },
    tlsVerify: false,
    authFile: join(process.cwd(), "auth.json"),
  });
  await runCommand(fake, ["pull", "web", "--tls-verify"], { env: { REGISTRY_AUTH_FILE: "/etc/auth.json" } });
  t.match(fake.images.pulls[2], { tlsVerify: true, authFile: "/etc/auth.json" });
});

t.test("pull goes on after an image that fails; refusals come before anything is sent", async (t) => {
  const fake = await startFake(t);
  fake.images.onPull = async ({ reference }) => {
    if (reference === "gone") throw new PodrunError("RegistryUnauthorized", 'image "gone": denied');
    return { id: hex("a"), reference, digest: hex("b"), unchanged: true, size: 9 };
  };
  said(t, await runCommand(fake, ["pull", "-q", "gone", "web"]), {
    code: 1,
    stdout: `${"a".repeat(64)}\n`,
    stderr: 'Error from server (Unauthorized): image "gone": denied\n',
  });
  said(t, await runCommand(fake, ["pull", "-q", "gone"]), { code: 1, stderr: /^Error from server \(Unauthorized\)/ });
  said(t, await runCommand(fake, ["pull"]), { code: 1, stderr: /at least one image/ });
  said(t, await runCommand(fake, ["pull", "web", "--policy=newer"]), { code: 1, stderr: /always, missing, never/ });
  said(t, await runCommand(fake, ["pull", "web", "--creds=bob"]), { code: 1, stderr: /no terminal/ });
  said(t, await runCommand(fake, ["pull", "--policy=never", "web"]), { code: 1, stderr: /NotFound.*not here/ });
});

t.test("a signal cancels the pull", async (t) => {
  const fake = await startFake(t);
  const cancelled = new Promise<void>((resolve) => {
    fake.images.onPull = ({ signal }) =>
      new Promise((_resolve, reject) => {
        child?.kill("SIGINT");
        signal?.addEventListener("abort", () => {
          resolve();
          reject(new PodrunError("Cancelled", "cancelled"));
        });
      });
  });
  let child: { kill(signal: "SIGINT"): boolean } | undefined;
  const ended = runCommand(fake, ["pull", "web"], {
    onChild: (one) => {
      child = one;
    },
  });
  await cancelled;
  said(t, await ended, { code: 130, stdout: "" });
});

const IMAGES = [
  listed("1", ["docker.io/library/old:1"], { createdAt: "2020-01-01T00:00:00Z", size: 142_000_000, containers: 2 }),
  listed("2", [`docker.io/library/web@${hex("f")}`, "docker.io/library/web:latest", "docker.io/library/web:1.27"]),
  listed("3", []),
  listed("4", [`example.com:5000/team/app@${hex("e")}`], { createdAt: "2025-01-01T00:00:00Z" }),
];

t.test("images is podman's table, newest first, a row a tag", async (t) => {
  const fake = await startFake(t);
  said(t, await runCommand(fake, ["images"]), {
    stdout: "REPOSITORY   TAG   IMAGE ID   CREATED   SIZE\n",
  });
  fake.images.images = IMAGES;
  const { stdout } = await runCommand(fake, ["image", "ls"]);
  t.same(
    stdout.split("\n").map((line) => line.split(/ {3,}/).filter((_, at) => at !== 3)),
    [
      ["REPOSITORY", "TAG", "IMAGE ID", "SIZE"],
      ["docker.io/library/web", "latest", "222222222222", "1.46 MB"],
      ["docker.io/library/web", "1.27", "222222222222", "1.46 MB"],
      ["<none>", "<none>", "333333333333", "1.46 MB"],
      ["example.com:5000/team/app", "<none>", "444444444444", "1.46 MB"],
      ["docker.io/library/old", "1", "111111111111", "142 MB"],
      [""],
    ],
  );
  said(t, await runCommand(fake, ["images", "-q"]), {
    stdout: ["2", "3", "4", "1"].map((digit) => `${digit.repeat(12)}\n`).join(""),
  });
  said(t, await runCommand(fake, ["images", "web", "--digests", "--no-trunc", "--no-headers"]), {
    stdout: new RegExp(`^docker.io/library/web   latest   ${hex("f")}   ${hex("2")}   [^\\n]*\n[^\\n]*1.27[^\\n]*\n$`),
  });
  said(t, await runCommand(fake, ["images", "-o", "wide"]), { stdout: /CONTAINERS {3}PULLED\n/ });
  t.equal(JSON.parse((await runCommand(fake, ["images", "-o", "json"])).stdout).length, 4);
  said(t, await runCommand(fake, ["images", "old", "-o", "jsonpath={.items[*].containers}"]), { stdout: /^2/ });
  said(t, await runCommand(fake, ["images", "-o", "name", "old"]), { stdout: "docker.io/library/old:1\n" });
});

t.test("images' filters narrow; an unknown one is refused", async (t) => {
  const fake = await startFake(t);
  fake.images.images = IMAGES;
  const ids = async (...filters: string[]) => {
    const argv = filters.flatMap((filter) => ["--filter", filter]);
    const { stdout } = await runCommand(fake, ["images", "-q", ...argv]);
    return stdout
      .split("\n")
      .map((line) => line[0] ?? "")
      .join("");
  };
  // A digest alone is no tag, for image prune either.
  t.equal(await ids("dangling=true"), "34");
  t.equal(await ids("dangling=false"), "21");
  t.equal(await ids("reference=old", "reference=web"), "21");
  t.equal(await ids("reference=old", "dangling=true"), "");
  t.equal(await ids("since=docker.io/library/old:1"), "234");
  t.equal(await ids(`before=${hex("4")}`), "1");
  fake.images.labels = { app: "web" };
  t.equal(await ids("label=app"), "2341");
  t.equal(await ids("label=app=web", "label=none"), "");
  said(t, await runCommand(fake, ["images", "--filter", "size=1"]), { code: 1, stderr: /invalid filter "size=1"/ });
  said(t, await runCommand(fake, ["images", "--filter", "since=gone"]), { code: 1, stderr: /NotFound/ });
});

t.test("a name matches by any of its ends, with patterns that stop at a slash", async (t) => {
  const name = "example.com:5000/team/app:1.2";
  for (const pattern of [
    "app",
    "app:1.2",
    "team/app",
    "example.com:5000/team/app",
    name,
    "a*",
    "*p:1.?",
    "te*/app",
    "[ab]pp",
  ])
    t.ok(matchesName(pattern, name), pattern);
  for (const pattern of ["ap", "app:1", "*:1", "example.com*", "team", "a.p", "app:", ""])
    t.notOk(matchesName(pattern, name), pattern);
});

t.test("an image's digest is a row of its own only where its repository has no tag", async (t) => {
  const tagged = { repository: "a/b", tag: "1", digest: hex("1") };
  t.same(namesOf(["a/b:1", `a/b@${hex("1")}`]), [tagged]);
  t.same(namesOf([`a/b:1@${hex("1")}`]), [tagged]);
  t.same(namesOf([`a/b@${hex("1")}`]), [{ ...tagged, tag: "<none>" }]);
});

t.test("ages are worded as podman's", async (t) => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const ago = (seconds: number) => formatAgo(new Date(now - seconds * 1000).toISOString(), now);
  t.same([0, 1, 45, 60, 150, 3600, 7200].map(ago), [
    "Less than a second ago",
    "1 second ago",
    "45 seconds ago",
    "About a minute ago",
    "2 minutes ago",
    "About an hour ago",
    "2 hours ago",
  ]);
  t.same(
    [2, 13, 14, 59, 60, 729, 731].map((days) => ago(days * 86_400)),
    ["2 days ago", "13 days ago", "2 weeks ago", "8 weeks ago", "2 months ago", "24 months ago", "2 years ago"],
  );
  t.equal(formatAgo(undefined, now), "N/A");
});

t.test("rmi says what went, goes on after a failure, and has podman's exit codes", async (t) => {
  const fake = await startFake(t);
  fake.images.onRemove = (name) => {
    if (name === "used") throw new PodrunError("ImageInUse", 'image "used" is used by pod "web"');
    if (name === "odd") throw new PodrunError("Conflict", "odd");
    if (name === "gone") throw notHere(name);
    return { untagged: [`docker.io/library/${name}:latest`], deleted: [hex("1")], reclaimedBytes: 1 };
  };
  const gone = `Untagged: docker.io/library/web:latest\nDeleted: ${"1".repeat(64)}\n`;
  said(t, await runCommand(fake, ["rmi", "web"]), { stdout: gone, stderr: /^$/ });
  said(t, await runCommand(fake, ["rmi", "gone", "web"]), { code: 1, stdout: gone, stderr: /"gone" is not here/ });
  said(t, await runCommand(fake, ["image", "rm", "used", "gone"]), { code: 2, stderr: /used by pod "web"\n.*"gone"/ });
  said(t, await runCommand(fake, ["rmi", "odd"]), { code: 125 });
  said(t, await runCommand(fake, ["rmi", "-f", "gone", "web"]), { code: 0, stdout: gone, stderr: /^$/ });
  t.same(fake.images.calls.at(-1), ["remove", "web", true]);
  said(t, await runCommand(fake, ["rmi"]), { code: 1, stderr: /names of images, or --all/ });
  said(t, await runCommand(fake, ["rmi", "-a", "web"]), { code: 1, stderr: /names of images, or --all/ });
  fake.images.images = [listed("5", ["a:1", "b:1"])];
  await runCommand(fake, ["rmi", "--all"]);
  t.same(fake.images.calls.at(-1), ["remove", hex("5"), true]);
});

t.test("load reads standard input or a file, and names what came", async (t) => {
  const fake = await startFake(t);
  const file = join(fake.folder, "a.tar");
  writeFileSync(file, Buffer.alloc(3_000_000));
  said(t, await runCommand(fake, ["load", "-i", file]), { stdout: "Loaded image: docker.io/library/bytes:3000000\n" });
  said(t, await runCommand(fake, ["load", "--name=x"], { input: "four" }), { stdout: /bytes:4\n/ });
  t.same(fake.images.calls.at(-1), ["load", "x"]);
  const calls = fake.images.calls.length;
  said(t, await runCommand(fake, ["load", "-i", join(fake.folder, "none")]), {
    code: 1,
    stderr: /cannot read .*ENOENT/,
  });
  said(t, await runCommand(fake, ["load", "-i", fake.folder]), { code: 1, stderr: /has neither index\.json/ });
  said(t, await runCommand(fake, ["load", file]), { code: 1, stderr: /the archive is -i FILE/ });
  t.equal(fake.images.calls.length, calls);
});

t.test("save writes a file that is whole or not there, through a symbolic link too", async (t) => {
  const fake = await startFake(t);
  const folder = join(fake.folder, "out");
  mkdirSync(folder);
  const file = join(folder, "a.tar");
  said(t, await runCommand(fake, ["save", "web", "app:1"]), { stdout: "archive" });
  t.same(fake.images.calls.at(-1), ["save", "web", "app:1"]);
  said(t, await runCommand(fake, ["save", "web", "-o", file]), { stdout: "", stderr: /^$/ });
  t.equal(readFileSync(file, "utf8"), "archive");
  fake.images.onSave = () =>
    Readable.from(
      (async function* () {
        yield Buffer.alloc(200_000);
        throw new Error("broken");
      })(),
    );
  said(t, await runCommand(fake, ["save", "web", "-o", file]), {
    code: 1,
    stderr: /connection to the podrun daemon broke/,
  });
  t.equal(readFileSync(file, "utf8"), "archive");
  said(t, await runCommand(fake, ["save", "web", "-o", join(folder, "b.tar")]), { code: 1 });
  said(t, await runCommand(fake, ["save", "web", "-o", join(folder, "c/d.tar")]), {
    code: 1,
    stderr: /c\/d.tar: ENOENT: no such file or directory\n$/,
  });
  t.same(readdirSync(folder), ["a.tar"]);
  fake.images.onSave = () => Readable.from([Buffer.from("new")]);
  symlinkSync(file, join(folder, "link"));
  said(t, await runCommand(fake, ["save", "web", "-o", join(folder, "link")]), {});
  t.equal(readFileSync(file, "utf8"), "new");
  said(t, await runCommand(fake, ["save", "web", "-o", "/dev/null"]), {});
  t.notOk(existsSync(`/dev/null.podrun-${process.pid}`));
  said(t, await runCommand(fake, ["save", "web", "-o", folder]), { code: 1, stderr: /it is a folder/ });
  said(t, await runCommand(fake, ["save", "web", "--format", "oci-archive"]), { stdout: /./ });
  said(t, await runCommand(fake, ["save", "web", "--format", "zip"]), {
    code: 1,
    stderr: /--format "zip": want docker-/,
  });
  const oci = ["save", "web", "--format", "oci-dir"];
  said(t, await runCommand(fake, oci), { code: 1, stderr: /oci-dir is a folder: want -o/ });
  said(t, await runCommand(fake, [...oci, "-o", folder]), { code: 1, stderr: /is there already, and no empty folder/ });
  said(t, await runCommand(fake, ["save", "a", "b", "--format=docker-dir", "-o", "x"]), {
    code: 1,
    stderr: /one image/,
  });
  said(t, await runCommand(fake, ["save"]), { code: 1, stderr: /at least one image/ });
});

t.test("import takes a tar, a name, changes and a message, and prints the id; a URL is refused", async (t) => {
  const fake = await startFake(t);
  const argv = ["import", "-", "app:1", "-c", 'CMD ["sh"]', "--change=USER 1", "-m", "why"];
  said(t, await runCommand(fake, argv, { input: "tar" }), { stdout: `${hex("c")}\n` });
  t.same(fake.images.calls, [["import", 3, "app:1", ['CMD ["sh"]', "USER 1"], "why"]]);
  said(t, await runCommand(fake, ["import", "https://e.example/a.tar"]), { code: 1, stderr: /fetches no URL: curl/ });
  said(t, await runCommand(fake, ["import"]), { code: 1, stderr: /want FILE or -/ });
});

t.test("tag gives names, inspect-image shows one image or many, and what is missing", async (t) => {
  const fake = await startFake(t);
  fake.images.images = IMAGES;
  said(t, await runCommand(fake, ["tag", "web", "a:1", "b:1"]), { stdout: "" });
  t.same(fake.images.calls, [
    ["tag", "web", "a:1"],
    ["tag", "web", "b:1"],
  ]);
  said(t, await runCommand(fake, ["tag", "web"]), { code: 1, stderr: /its new name/ });
  const { stdout } = await runCommand(fake, ["image", "inspect", hex("1"), hex("2")]);
  t.same(
    JSON.parse(stdout).map(({ Id }: { Id: string }) => Id),
    [hex("1"), hex("2")],
  );
  said(t, await runCommand(fake, ["inspect-image", hex("1"), "-o", "jsonpath={.Config.Env[0]}"]), {
    stdout: /^A=1\n?$/,
  });
  said(t, await runCommand(fake, ["inspect-image", "gone"]), { code: 1, stdout: "[]\n", stderr: /"gone" is not here/ });
  said(t, await runCommand(fake, ["inspect-image", "gone", "-o", "name"]), {
    code: 1,
    stderr: /json, yaml or jsonpath/,
  });
});

t.test("image prune asks only at a terminal, says what went and what that gave", async (t) => {
  const fake = await startFake(t);
  fake.images.removed = { untagged: [], deleted: [hex("1")], reclaimedBytes: 12_000_000 };
  said(t, await runCommand(fake, ["image", "prune"]), { code: 1, stderr: /Add --force, for there is no terminal/ });
  t.same(fake.images.calls, []);
  said(t, await runCommand(fake, ["image", "prune", "-af", "--filter", "until=24h"]), {
    stdout: `${"1".repeat(64)}\nTotal reclaimed space: 12 MB\n`,
  });
  t.match(fake.images.calls.at(-1), ["prune", { all: true, dryRun: false, before: Number }]);
  said(t, await runCommand(fake, ["image", "prune", "--dry-run"]), {
    stdout: /Space that would be reclaimed: 12 MB\n$/,
  });
  t.match(fake.images.calls.at(-1), ["prune", { all: false, dryRun: true }]);
  said(t, await runCommand(fake, ["image", "prune", "-f", "--filter", "label=x"]), {
    code: 1,
    stderr: /prune knows until/,
  });
});

t.test("until is a duration or a time that has been", async (t) => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  t.equal(readUntil([], now), undefined);
  t.equal(readUntil(["until=24h"], now), 86_400);
  t.equal(readUntil(["until=2026-11-21T11:00:00Z"], now), 3600);
  for (const text of ["until=", "until=soon", "until=-1h", "until=2027-01-01T00:00:00Z", "until=2026-99-01"])
    t.throws(() => readUntil([text], now), { name: "UsageError" }, text);
});

t.test("image shows its commands, and says what it does not know", async (t) => {
  const fake = await startFake(t);
  said(t, await runCommand(fake, ["image", "--help"]), { stdout: /Commands:\n {2}ls /, stderr: /^$/ });
  said(t, await runCommand(fake, ["help", "image"]), { stdout: /Commands:\n {2}ls / });
  said(t, await runCommand(fake, ["image", "prune", "--help"]), { stdout: /Usage:\n {2}podrun image prune/ });
  said(t, await runCommand(fake, ["help", "image", "pull"]), { stdout: /podrun pull IMAGE/ });
  said(t, await runCommand(fake, ["image"]), { code: 1, stderr: /want one of: image ls/ });
  said(t, await runCommand(fake, ["image", "prun"]), { code: 1, stderr: /"image prun"; did you mean "image prune"/ });
});

t.test(
  "login takes the password from standard input, warns of one that everybody sees, and shows who it is",
  async (t) => {
    const fake = await startFake(t);
    const login = ["login", "-u", "bob", "--password-stdin", "r.example:5000"];
    said(t, await runCommand(fake, login, { input: "se cret\n" }), { stdout: "Login Succeeded!\n", stderr: /^$/ });
    t.match(fake.logins.requests[0], { registry: "r.example:5000", username: "bob", password: "se cret" });
    said(t, await runCommand(fake, ["login", "--get-login", "r.example:5000"]), { stdout: "bob\n" });
    said(t, await runCommand(fake, ["login", "-u", "a", "-p", "b", "--tls-verify=false", "--authfile=x.json"]), {
      stdout: "Login Succeeded!\n",
      stderr: /^WARNING! .*--password-stdin/,
    });
    const authFile = join(process.cwd(), "x.json");
    t.match(fake.logins.requests[1], { registry: "docker.io", tlsVerify: false, authFile });
    said(t, await runCommand(fake, login, { input: "wrong" }), { code: 1, stderr: /Unauthorized/ });
    said(t, await runCommand(fake, ["login", "r.example"]), { code: 1, stderr: /no terminal to ask on/ });
    said(t, await runCommand(fake, ["login", "--password-stdin"], { input: "x" }), {
      code: 1,
      stderr: /needs --username/,
    });
    said(t, await runCommand(fake, login, { input: "" }), { code: 1, stderr: /neither may be empty/ });
    said(t, await runCommand(fake, ["logout", "r.example:5000"]), {
      stdout: "Removed login credentials for r.example:5000\n",
    });
    said(t, await runCommand(fake, ["logout", "r.example:5000"]), { code: 1, stderr: /NotFound/ });
    said(t, await runCommand(fake, ["login", "--get-login", "r.example:5000"]), { code: 1, stderr: /not logged into/ });
    said(t, await runCommand(fake, ["logout", "-a"]), { stdout: "Removed login credentials for all registries\n" });
    said(t, await runCommand(fake, ["logout", "-a", "x"]), { code: 1, stderr: /one registry, or --all/ });
  },
);
