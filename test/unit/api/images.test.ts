import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import t from "tap";
import { HttpClient } from "../../../src/api/client-http.ts";
import { ImageClient, type PullProgress } from "../../../src/api/client-images.ts";
import { PodrunError } from "../../../src/base/errors.ts";
import type { PullRequest } from "../../../src/image/types.ts";
import { startFake } from "./fake.ts";
import { hex, listed } from "./fake-images.ts";

const layer = (bytes: number, state: "downloading" | "done" = "downloading"): PullProgress => ({
  type: "layer",
  digest: hex("1"),
  state,
  bytes,
  size: 9,
  unpacked: 0,
});

t.test("a pull tells what happens while it happens, and its image at the end", async (t) => {
  const { images, config } = await startFake(t);
  let finish: () => void = () => undefined;
  images.onPull = async ({ onProgress, reference }) => {
    onProgress?.(layer(3));
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    onProgress?.(layer(9, "done"));
    return { id: hex("a"), reference, digest: hex("b"), unchanged: false, size: 9 };
  };
  const seen: PullProgress[] = [];
  const image = await new ImageClient(config).pull({ reference: "web", tlsVerify: false }, (line) => {
    seen.push(line);
    finish();
  });
  t.equal(image.id, hex("a"));
  t.same(seen, [layer(3), layer(9, "done")]);
  t.match(images.pulls[0], { reference: "web", tlsVerify: false });
});

t.test("a pull that fails ends with the Status of its error, code and all", async (t) => {
  const { images, config } = await startFake(t);
  images.onPull = async () => {
    throw new PodrunError("RegistryThrottled", "ask again in 30 s", { details: { seconds: 30 } });
  };
  const pull = new ImageClient(config).pull({ reference: "web" }, () => undefined);
  await t.rejects(pull, { code: "RegistryThrottled", status: { code: 429 }, details: { seconds: 30 } });
});

t.test("a client that goes away, and a server that closes, cancel the pull", async (t) => {
  const { images, config, close } = await startFake(t);
  const begun: PullRequest[] = [];
  let onBegin: () => void = () => undefined;
  images.onPull = (request) => {
    begun.push(request);
    request.onProgress?.(layer(1));
    onBegin();
    return new Promise((_resolve, reject) =>
      request.signal?.addEventListener("abort", () => reject(new PodrunError("Cancelled", "cancelled"))),
    );
  };
  const gone = new AbortController();
  const first = new ImageClient(config).pull({ reference: "web" }, () => gone.abort(), gone.signal);
  await t.rejects(first, { code: "Cancelled" });
  const [{ signal }] = begun as [PullRequest];
  if (signal?.aborted === false) await once(signal, "abort");

  const second = new ImageClient(config).pull({ reference: "web" }, () => undefined);
  await new Promise<void>((resolve) => {
    onBegin = resolve;
  });
  await Promise.all([close(), t.rejects(second, { code: "Cancelled" })]);
});

t.test("a client that reads nothing costs no memory: bytes are left out, what changes is not", async (t) => {
  const { images, config } = await startFake(t);
  images.onPull = async ({ onProgress, reference }) => {
    for (let bytes = 0; bytes < 100_000; bytes++)
      onProgress?.({ ...(layer(bytes) as object), size: 100_000 } as PullProgress);
    onProgress?.(layer(9, "done"));
    return { id: hex("a"), reference, digest: hex("b"), unchanged: false, size: 9 };
  };
  const seen: PullProgress[] = [];
  await new ImageClient(config).pull({ reference: "web" }, (line) => void seen.push(line));
  t.ok(seen.length < 50_000, `${seen.length} lines`);
  t.match(seen.at(-1), { state: "done" });
});

t.test("policy missing and never take the image that is here, unless it is of another platform", async (t) => {
  const { images, config } = await startFake(t);
  images.images = [listed("d", ["web"])];
  const client = new ImageClient(config);
  const pull = (policy: "missing" | "never" | "always", platform?: string, reference = "web") =>
    client.pull({ reference, policy, platform }, () => undefined);
  t.match(await pull("missing"), { id: hex("d"), unchanged: true });
  t.match(await pull("never", "linux/amd64"), { id: hex("d") });
  t.equal(images.pulls.length, 0);
  await t.rejects(pull("never", "linux/arm64"), { code: "ImageNotFound", status: { code: 404 } });
  await t.rejects(pull("never", undefined, "other"), { message: /"other" is not here, and the policy "never"/ });
  t.match(await pull("missing", "linux/arm64"), { id: hex("a") });
  t.match(await pull("always"), { id: hex("a") });
  t.equal(images.pulls.length, 2);
});

t.test("requests with a field that is misspelt, of a wrong type or missing are refused by name", async (t) => {
  const { config, images, logins } = await startFake(t);
  const http = new HttpClient(config);
  const refused = (path: string, body: unknown, message: RegExp) =>
    t.rejects(http.json("POST", `/podrun/v1/${path}`, {}, body), { code: "BadRequest", message });
  await refused("images/pull", { reference: "web", tlsverify: false }, /"tlsverify".*tlsVerify/);
  await refused("images/pull", { reference: 7 }, /reference must be a text/);
  await refused("images/pull", {}, /reference is missing/);
  await refused("images/pull", { reference: "web", policy: "newer" }, /"newer": want one of always, missing, never/);
  await refused("images/pull", { reference: "web", authFile: "auth.json" }, /absolute/);
  await refused("images/pull", { reference: "web", credentials: { user: "x" } }, /credentials has a field "user"/);
  await refused("images/pull", [], /no JSON object/);
  await refused("images/tag", { source: "web" }, /target is missing/);
  await refused("images/prune", { untilSeconds: -1 }, /untilSeconds must be a whole number/);
  await refused("login", { registry: "r", username: "u" }, /password is missing/);
  await refused("logout", {}, /either registry or all/);
  await refused("logout", { registry: "r", all: true }, /either registry or all/);
  await t.rejects(http.json("GET", "/podrun/v1/images/inspect"), { message: /reference is missing/ });
  await t.rejects(http.json("GET", "/podrun/v1/images/save"), { message: /reference is missing/ });
  await t.rejects(http.json("DELETE", "/podrun/v1/images"), { message: /reference is missing/ });
  await t.rejects(http.json("PUT", "/podrun/v1/images"), { message: /method/ });
  await t.rejects(http.json("GET", "/podrun/v1/images/other"), { message: /could not find/ });
  t.same([images.pulls, images.calls, logins.requests], [[], [], []]);
});

t.test("a missing image is 404, and its name stands in the Status", async (t) => {
  const { config } = await startFake(t);
  await t.rejects(new ImageClient(config).inspect("gone"), {
    code: "ImageNotFound",
    status: { code: 404, reason: "NotFound" },
    message: /"gone"/,
  });
});

t.test("load takes an archive of any length, and import its options", async (t) => {
  const { config, images } = await startFake(t);
  const client = new ImageClient(config);
  const chunks = Array.from({ length: 500 }, () => Buffer.alloc(20_000, "x"));
  t.same(await client.load(Readable.from(chunks)), ["docker.io/library/bytes:10000000"]);
  t.same(await client.load(Readable.from([]), "mine:1"), ["docker.io/library/bytes:0"]);
  const options = { reference: "app:1", changes: ["CMD sh", "USER 1"], message: "why" };
  t.equal(await client.importRootfs(Readable.from(chunks), options), hex("c"));
  t.same(images.calls, [
    ["load", undefined],
    ["load", "mine:1"],
    ["import", 10_000_000, "app:1", ["CMD sh", "USER 1"], "why"],
  ]);
});

t.test("a load that fails in the middle of the archive is answered with its error, the rest is not sent", async (t) => {
  const { config, images } = await startFake(t);
  images.onLoad = async (source) => {
    await once(source, "readable");
    source.read();
    source.destroy();
    throw new PodrunError("InvalidImage", "manifest.json: not JSON");
  };
  let sent = 0;
  const endless = new Readable({
    read() {
      sent++;
      this.push(Buffer.alloc(65_536));
    },
  });
  await t.rejects(new ImageClient(config).load(endless), { code: "InvalidImage", message: /manifest.json/ });
  t.ok(sent > 0);
  endless.destroy();
});

t.test("a client that sends everything before it looks at the answer gets one, too", async (t) => {
  const { config, images } = await startFake(t);
  images.onLoad = async (source) => {
    source.once("readable", () => undefined);
    // Until no more is taken from the connection.
    while (source.readableLength < source.readableHighWaterMark) await new Promise(setImmediate);
    throw new PodrunError("InvalidImage", "no archive");
  };
  const socketPath = join(config.run, "podrun.sock");
  const request = httpRequest({ socketPath, method: "POST", path: "/podrun/v1/images/load" });
  const answered = once(request, "response");
  await new Promise<void>((resolve, reject) => {
    request.on("error", reject);
    request.end(Buffer.alloc(5_000_000), resolve);
  });
  t.equal((await answered)[0].statusCode, 422);
});

t.test("a client that leaves in the middle of an archive fails the load", async (t) => {
  const { config, images } = await startFake(t);
  const failed = new Promise<unknown>((resolve) => {
    images.onLoad = (source) =>
      source.toArray().then(
        () => Promise.reject(new Error("the load got it all")),
        (error: unknown) => {
          resolve(error);
          throw error;
        },
      );
  });
  const socketPath = join(config.run, "podrun.sock");
  const request = httpRequest({ socketPath, method: "POST", path: "/podrun/v1/images/load" });
  request.on("error", () => undefined);
  request.write("half", () => request.destroy());
  t.match(await failed, Error);
});

t.test("save streams; an error before the first byte is a Status, one in the middle cuts the connection", async (t) => {
  const { config, images } = await startFake(t);
  const client = new ImageClient(config);
  const all = async (references: readonly string[]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of client.save(references)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  t.equal(await all(["a", "b:1"]), "archive");
  t.same(images.calls, [["save", "a", "b:1"]]);
  images.onSave = () => {
    throw new PodrunError("ImageNotFound", 'image "a" is not here');
  };
  await t.rejects(all(["a"]), { code: "ImageNotFound" });
  images.onSave = () =>
    Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error("the layer's skeleton is broken");
      })(),
    );
  await t.rejects(all(["a"]), { code: "DaemonUnreachable" });
});

t.test("what a save reads from is closed when its client leaves", async (t) => {
  const { config, images } = await startFake(t);
  const source = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  images.onSave = () => source;
  for await (const _chunk of new ImageClient(config).save(["a"])) break;
  if (!source.closed) await once(source, "close").catch(() => undefined);
  t.ok(source.destroyed);
});

t.test("list, tag, remove and prune go through", async (t) => {
  const { config, images } = await startFake(t);
  const client = new ImageClient(config);
  images.images = [listed("d", ["web"])];
  t.same(await client.list(), images.images);
  await client.tag("web", "web:2");
  images.onRemove = (name) => ({ untagged: [name], deleted: [hex("d")], reclaimedBytes: 5 });
  t.same(await client.remove("web", false), { untagged: ["web"], deleted: [hex("d")], reclaimedBytes: 5 });
  await client.remove("web", true);
  const now = Date.now();
  await client.prune({ all: true, untilSeconds: 60, dryRun: true });
  await client.prune({ all: false, dryRun: false });
  const [tag, weak, strong, aged, plain] = images.calls;
  t.same(
    [tag, weak, strong],
    [
      ["tag", "web", "web:2"],
      ["remove", "web", false],
      ["remove", "web", true],
    ],
  );
  const { before, ...rest } = (aged as [string, { before: number }])[1];
  t.same(rest, { all: true, dryRun: true });
  t.ok(Math.abs(before - (now - 60_000)) < 60_000);
  t.same(plain?.[1], { all: false, before: undefined, dryRun: false });
});

t.test("who logs in is remembered, who logs out is not, and a refusal is 401", async (t) => {
  const { config, logins } = await startFake(t);
  const client = new ImageClient(config);
  t.equal(await client.loggedIn("r.example"), undefined);
  const request = { registry: "r.example", username: "bob", password: "secret" };
  t.same(await client.login({ ...request, authFile: "/tmp/a.json", tlsVerify: false }), { file: "/tmp/a.json" });
  t.same(logins.requests, [{ ...request, authFile: "/tmp/a.json", tlsVerify: false }]);
  t.equal(await client.loggedIn("r.example"), "bob");
  await client.logout({ registry: "r.example" });
  t.equal(await client.loggedIn("r.example"), undefined);
  await t.rejects(client.logout({ registry: "r.example" }), { code: "NotFound" });
  await client.logout({ all: true, authFile: "/tmp/a.json" });
  t.equal(logins.files.at(-1), "/tmp/a.json");
  await t.rejects(client.login({ ...request, password: "wrong" }), {
    code: "RegistryUnauthorized",
    status: { code: 401 },
  });
});
