import { join } from "node:path";
import t, { type Test } from "tap";
import type { RegistryAccess } from "../../../src/image/context.ts";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { FakeHost, fakeRegistry } from "./fake-registry.ts";
import { scratch } from "./fixtures.ts";
import { packer } from "./packer.ts";

/** Images of r.test, all of which must be signed. */
function signedImages(t: Test, check: (host: FakeHost) => RegistryAccess["checkSignature"]) {
  const folder = scratch(t);
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const host = new FakeHost();
  const registry = fakeRegistry({ hosts: { "r.test": host } });
  const verdict = { kind: "signed", file: "/policy.json", scope: "default" } as const;
  const files = { ...registry.files, policy: async () => ({ judge: () => verdict }) };
  const images = new Images({
    root: folder,
    records,
    packer,
    registry: { ...registry, files, checkSignature: check(host) },
  });
  return { host, images };
}

t.test("a signature is checked before any layer is fetched, and each time", async (t) => {
  const asked: (readonly string[])[] = [];
  const { host, images } = signedImages(t, (host) => async ({ layers, reference }) => {
    asked.push([reference, ...layers, ...host.blobsAsked().filter((one) => layers.includes(one))]);
    return id;
  });
  const { id, digest, layers } = await host.push("1", {});
  t.match(await images.pull({ reference: "r.test/app:1" }), { id, digest, unchanged: false });
  t.match(await images.pull({ reference: `r.test/app@${digest}` }), { id, digest, unchanged: true });
  t.match(await images.pull({ reference: "r.test/app:1" }), { id, digest, unchanged: true });
  t.same(asked[0], ["r.test/app:1", ...layers], "nothing of them had been asked for");
  t.same(
    asked.map(([name]) => name),
    ["r.test/app:1", `r.test/app@${digest}`, "r.test/app:1"],
  );
  t.equal(host.blobsAsked().filter((one) => layers.includes(one)).length, layers.length, "layers come once");
});

t.test("an image that is signed after all is not brought in its place: the tag is looked at again", async (t) => {
  let moved = "";
  const { host, images } = signedImages(t, (host) => async () => {
    // Between our look and skopeo's somebody has pushed.
    if (moved === "") moved = (await host.push("1", { config: { Cmd: ["new"] } })).id;
    return moved;
  });
  const { id } = await host.push("1", {});
  t.match(await images.pull({ reference: "r.test/app:1" }), { id: moved });
  t.not(moved, id);
  t.equal(images.list().length, 1, "what was not signed is not here");
});

t.test("when podrun and skopeo are never given the same image there is none", async (t) => {
  const { host, images } = signedImages(t, () => async () => `sha256:${"0".repeat(64)}`);
  const { layers } = await host.push("1", {});
  await t.rejects(images.pull({ reference: "r.test/app:1" }), {
    code: "ImageRejected",
    message: /"r\.test\/app:1": \/policy\.json \(default\) asks for a signature, .* another image than podrun/,
  });
  t.same(images.list(), []);
  t.notOk(
    host.blobsAsked().some((one) => layers.includes(one)),
    "no layer was asked for",
  );
});
