// Registries that refuse, fail, or stop in the middle; and what of it a pull gets over by itself.
import { randomBytes } from "node:crypto";
import t from "tap";
import { expectRefusal, imageNames, setUpBadImages } from "./support/bad-images.ts";
import { answer, cut, type Misbehaviour, refuse } from "./support/hostile-registry.ts";
import { busyboxLayer } from "./support/images.ts";
import type { ImageParts } from "./support/push.ts";
import { rawTar } from "./support/tar.ts";

const PARTS: ImageParts = {
  layers: [busyboxLayer(), rawTar([{ name: "random", content: randomBytes(3_000_000) }])],
  compression: "none",
};
const MANIFEST = /^(GET|HEAD) .*\/manifests\//;

/** What a request is answered with, and what the user reads. `on`: the requests; default: the manifest's. */
const REFUSALS: readonly { name: string; act: Misbehaviour; on?: RegExp; words: RegExp }[] = [
  {
    name: "401",
    act: answer(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' }),
    words: /401|podrun login/,
  },
  { name: "401 without a challenge", act: answer(401, "UNAUTHORIZED"), words: /401|login/ },
  { name: "403", act: answer(403, "DENIED"), words: /403|denied|not allowed/i },
  { name: "404 of the tag", act: answer(404, "MANIFEST_UNKNOWN"), words: /has no tag/ },
  { name: "404 of the repository", act: answer(404, "NAME_UNKNOWN"), words: /has no repository/ },
  { name: "404 of a blob", act: answer(404, "BLOB_UNKNOWN"), on: /blobs/, words: /has no blob sha256:/ },
  {
    name: "429 that lasts an hour",
    act: answer(429, "TOOMANYREQUESTS", { "retry-after": 3600 }),
    words: /429.*3600 s/,
  },
  { name: "500 for ever", act: answer(500, "UNKNOWN"), words: /500/ },
  { name: "500 of a blob for ever", act: answer(500, "UNKNOWN"), on: /blobs/, words: /500/ },
  {
    name: "a connection that is cut before its answer",
    act: (request) => request.socket.destroy() !== undefined,
    words: /cut/,
  },
  { name: "blobs of which never a byte comes", act: cut(0), on: /GET .*blobs/, words: /cut/ },
  {
    name: "an answer that is no HTTP",
    act: (request) => request.socket.end("SSH-2.0-OpenSSH_9.2\r\n") !== undefined,
    words: /HTTP|answer/,
  },
];

t.test("what a registry refuses is said in its words, and leaves nothing", async (t) => {
  const test = await setUpBadImages(t);
  for (const [index, { name, act, on, words }] of REFUSALS.entries())
    await t.test(name, async (t) => {
      const image = await test.registry.image(`refused-${index}`, PARTS);
      test.registry.misbehave(
        on ?? MANIFEST,
        (request, response, content) =>
          request.url?.includes(`/refused-${index}/`) === true && act(request, response, content),
      );
      const { stderr } = await expectRefusal(t, test, image, words);
      t.comment(stderr.trim());
      test.registry.behave();
    });
});

t.test("a failure that passes is got over", async (t) => {
  const { registry, podrun } = await setUpBadImages(t);
  const passing: readonly (readonly [name: string, on: RegExp, act: Misbehaviour])[] = [
    ["500, twice", MANIFEST, answer(500, "UNKNOWN")],
    ["503 of a blob, twice", /GET .*blobs/, answer(503, "UNAVAILABLE")],
    ["429 for a second", MANIFEST, answer(429, "TOOMANYREQUESTS", { "retry-after": 1 })],
    ["429 of a blob for a second", /GET .*blobs/, answer(429, "TOOMANYREQUESTS", { "retry-after": 1 })],
    ["a cut before the answer", MANIFEST, (request) => request.socket.destroy() !== undefined],
  ];
  for (const [index, [name, on, act]] of passing.entries()) {
    const image = await registry.image(`passing-${index}`, PARTS);
    registry.misbehave(on, act, 2);
    const { code, stderr } = await podrun.podrun("pull", image.reference);
    t.equal(code, 0, `${name}: ${stderr}`);
    await podrun.ok("rmi", image.reference);
    registry.behave();
  }
});

t.test("a connection cut at half goes on where it stopped", async (t) => {
  const { registry, podrun } = await setUpBadImages(t);
  const image = await registry.image("cut", PARTS);
  const { digest = "" } = image.blobs[2] ?? {};
  registry.misbehave(new RegExp(`GET .*${digest}`), cut(0.5), 3);
  await podrun.ok("pull", image.reference);
  const asked = registry.requests.filter((line) => line.startsWith("GET") && line.includes(digest));
  t.equal(asked.length, 4, "one request, and one after each cut");
  const ranges = asked.map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0));
  t.equal(ranges[0], 0, "the first asks for all of it");
  for (const [index, from] of ranges.slice(1).entries())
    t.ok(from > (ranges[index] as number), `${asked[index + 1]} begins after ${asked[index]}`);
  t.same(await imageNames(podrun), [image.reference]);
  await podrun.ok("rmi", image.reference);
});

t.test("a connection cut at half begins anew where the registry knows no ranges", async (t) => {
  const { registry, podrun } = await setUpBadImages(t);
  const image = await registry.image("cut", PARTS);
  const blob = image.blobs[2];
  const on = new RegExp(`GET .*${blob?.digest}`);
  registry.misbehave(on, (_request, response) => {
    response.writeHead(200, { "content-length": blob?.bytes.length ?? 0 }).end(blob?.bytes);
    return true;
  });
  registry.misbehave(on, cut(0.5, false), 1);
  await podrun.ok("pull", image.reference);
  await podrun.ok("rmi", image.reference);
});

t.test("a password is asked for only where a registry asks for it, and never shown", async (t) => {
  const test = await setUpBadImages(t);
  const image = await test.registry.image("private", PARTS);
  const right = `Basic ${Buffer.from("me:of no use").toString("base64")}`;
  test.registry.misbehave(/\/v2\/private\//, (request, response) => {
    if (request.headers.authorization === right) return false;
    return refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' });
  });
  const { code, stdout, stderr } = await test.podrun.podrun("pull", "--creds", "me:wrong word", image.reference);
  t.equal(code, 1);
  t.notMatch(`${stdout}${stderr}`, "wrong word");
  t.match(stderr, /me/);
  await test.podrun.ok("pull", "--creds", "me:of no use", image.reference);
  t.notMatch(test.podrun.daemonLog(), /of no use|wrong word/);
  await test.podrun.ok("rmi", image.reference);
});
