// sigstore's signatures, in a real registry, as cosign and skopeo put them there.
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { blobOf, buildImage, describe, pushBuilt } from "./support/push.ts";
import type { Registry } from "./support/registry.ts";
import { prepareSigned, pullWith, type Requirement, refused } from "./support/signed.ts";

t.test("sigstore: signatures in the registry itself, as cosign puts them there", async (t) => {
  const fixture = await prepareSigned(t, () => ({ "use-sigstore-attachments": true }));
  const { folder, registry, image, repository } = fixture;
  const keys = { first: makeSigstoreKey(folder, "first"), second: makeSigstoreKey(folder, "second") };
  const by = (key: keyof typeof keys, more: Requirement = {}): Requirement => ({
    type: "sigstoreSigned",
    keyPath: join(folder, `${key}.pub`),
    ...more,
  });
  const sign = (name: string, key: KeyObject, of: string, change: (payload: Buffer) => Buffer = (same) => same) =>
    attach(registry, `team/${name}`, { image: of, key, identity: `${repository}/${name}:1`, change });
  await sign("signed", keys.first, image.manifest.digest);

  await t.test("an image with a good signature comes, without skopeo", async (t) => {
    const { pull, told, left } = pullWith(t, fixture, [by("first")], "signed:1");
    t.match(await pull(), { id: image.id, digest: image.manifest.digest });
    t.match(told[0], { type: "verifying" });
    t.same(left(), []);
    t.notOk(
      registry.requests().some(({ agent }) => agent.startsWith("skopeo/")),
      "Debian's skopeo could not check it",
    );
  });

  await t.test("where several signatures are asked for all must be there", async (t) => {
    const both = pullWith(t, fixture, [by("first"), by("second")], "signed:1");
    await refused(t, both, { code: "ImageRejected", message: /signed:1": .*was not made by .*second\.pub/ });
  });

  await t.test("where registries.d does not say that signatures lie there the error does", async (t) => {
    const file = join(folder, "registries.d/test.yaml");
    const text = readFileSync(file);
    writeFileSync(file, "{}");
    await refused(t, pullWith(t, fixture, [by("first")], "signed:1"), {
      code: "ImageRejected",
      message: /signed:1": .*registries\.d does not say "use-sigstore-attachments: true" for 127.*\/team\/signed/,
    });
    writeFileSync(file, text);
  });

  await t.test("an image without a signature is rejected, naming image, file and requirement", async (t) => {
    await refused(t, pullWith(t, fixture, [by("first")], "plain:1"), {
      code: "ImageRejected",
      message:
        /team\/plain:1": .*policy\.json rejects it \(transports\.docker.*sigstore signature is required, and there is none \(127.*sha256-.*\.sig\)/,
    });
  });

  await t.test("an image signed by another key is rejected", async (t) => {
    await refused(t, pullWith(t, fixture, [by("second")], "signed:1"), {
      code: "ImageRejected",
      message: /signed:1": .*policy\.json rejects it .*its signature was not made by .*second\.pub/,
    });
  });

  await t.test(
    "a signature for another tag is rejected, but where the policy asks for the repository only",
    async (t) => {
      await pushBuilt(registry, "team/signed:other", image);
      await refused(t, pullWith(t, fixture, [by("first")], "signed:other"), {
        code: "ImageRejected",
        message:
          /signed:other": .*is for the identity ".*signed:1", which signedIdentity matchRepoDigestOrExact does not take/,
      });
      const loose = by("first", { signedIdentity: { type: "matchRepository" } });
      t.match(await pullWith(t, fixture, [loose], "signed:other").pull(), { id: image.id });
    },
  );

  await t.test("a signature that was changed, and one that lies beside another image, are rejected", async (t) => {
    await pushBuilt(registry, "team/changed:1", image);
    const widen = (payload: Buffer) => Buffer.from(String(payload).replace(`"creator":"test"`, `"creator":"evil"`));
    await sign("changed", keys.first, image.manifest.digest, widen);
    await refused(t, pullWith(t, fixture, [by("first")], "changed:1"), {
      code: "ImageRejected",
      message: /changed:1": .*signature was not made by .*first\.pub/,
    });
    const other = await buildImage({ layers: [[{ name: "other", content: "evil" }]] });
    await pushBuilt(registry, "team/moved:1", other);
    const elsewhere = { image: image.manifest.digest, key: keys.first, identity: `${repository}/moved:1` };
    await attach(registry, "team/moved", { ...elsewhere, beside: other.manifest.digest });
    await refused(t, pullWith(t, fixture, [by("first")], "moved:1"), {
      code: "ImageRejected",
      message: /moved:1": .*is for the digest sha256:/,
    });
  });
});

function makeSigstoreKey(folder: string, name: string): KeyObject {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(folder, `${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
  return privateKey;
}

interface Attachment {
  /** The digest that is signed. */
  readonly image: string;
  readonly key: KeyObject;
  readonly identity: string;
  /** Whose signature it claims to be; default: `image`. */
  readonly beside?: string;
  /** Of what was signed, afterwards. */
  readonly change?: (payload: Buffer) => Buffer;
}

/** cosign's SIGNATURE_SPEC: an image at the tag sha256-HEX.sig whose layer is what was signed, the signature in an annotation. */
async function attach(
  registry: Registry,
  repository: string,
  { image, key, identity, beside = image, change = (same) => same }: Attachment,
): Promise<void> {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": identity },
        image: { "docker-manifest-digest": image },
        type: "cosign container image signature",
      },
      optional: { creator: "test" },
    }),
  );
  const signature = createSign("sha256").update(payload).sign(key).toString("base64");
  const layer = blobOf(change(payload));
  const config = blobOf(
    Buffer.from(
      JSON.stringify({ architecture: "", os: "", config: {}, rootfs: { type: "layers", diff_ids: [layer.digest] } }),
    ),
  );
  const described = {
    ...describe("application/vnd.dev.cosign.simplesigning.v1+json", layer),
    annotations: { "dev.cosignproject.cosign/signature": signature },
  };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const configType = "application/vnd.oci.image.config.v1+json";
  const manifest = { schemaVersion: 2, mediaType, config: describe(configType, config), layers: [described] };
  await pushBuilt(registry, `${repository}:${beside.replace(":", "-")}.sig`, {
    mediaType,
    manifest: blobOf(Buffer.from(JSON.stringify(manifest))),
    blobs: [config, layer],
    id: config.digest,
    diffIds: [layer.digest],
    platform: { architecture: "", os: "" },
  });
}
