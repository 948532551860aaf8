// What makes one of sigstore's signatures good, whose keys count, and where signatures are looked for.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import t from "tap";
import { parseReference } from "../../../../src/image/reference.ts";
import { createPolicyReader } from "../../../../src/image/registry/policy.ts";
import type { SignedIdentity } from "../../../../src/image/registry/policy-requirements.ts";
import { createStoresReader } from "../../../../src/image/registry/registries-d.ts";
import { readKeys } from "../../../../src/image/registry/sigstore-keys.ts";
import { findFault } from "../../../../src/image/registry/sigstore-signature.ts";
import { testPlace } from "./place.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const EXACT: SignedIdentity = { type: "matchRepoDigestOrExact" };
const EC = generateKeyPairSync("ec", { namedCurve: "P-256" });

const payloadOf = (reference: string, digest = DIGEST) => ({
  critical: {
    identity: { "docker-reference": reference },
    image: { "docker-manifest-digest": digest },
    type: "cosign container image signature",
  },
  optional: null as object | null,
});

function signed(payload: object | string, key: KeyObject = EC.privateKey) {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return { payload: bytes, signature: sign(algorithm, bytes, key).toString("base64") };
}

const key = { name: "/own.pub", key: EC.publicKey };
const fault = (signature: ReturnType<typeof signed>, image: string, identity = EXACT, keys = [key]) =>
  findFault(signature, keys, identity, { reference: parseReference(image), manifestDigest: DIGEST });

t.test("a signature is for one digest, by one of the keys, whatever their kind", async (t) => {
  const kinds = [
    EC,
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ed25519"),
  ];
  for (const pair of kinds) {
    const own = { name: "/other.pub", key: pair.publicKey };
    const good = signed(payloadOf("a.com/x:1"), pair.privateKey);
    t.equal(fault(good, "a.com/x:1", EXACT, [own]), undefined, pair.publicKey.asymmetricKeyType ?? "");
    t.equal(
      fault(good, "a.com/x:1", EXACT, [{ ...key, key: generateKeyPairSync("ed25519").publicKey }, own]),
      undefined,
    );
    for (const damaged of [
      { ...good, signature: "" },
      { ...good, signature: "!" },
      { ...good, signature: good.signature.slice(8) },
      { ...good, payload: Buffer.concat([good.payload, Buffer.from(" ")]) },
    ])
      t.equal(fault(damaged, "a.com/x:1", EXACT, [own]), "was not made by /other.pub");
  }
  const other = `sha256:${"b".repeat(64)}`;
  t.equal(fault(signed(payloadOf("a.com/x:1", other)), "a.com/x:1"), `is for the digest ${other}, not ${DIGEST}`);
});

t.test("what is signed must be a container image's signature, with each field once and no other", async (t) => {
  const good = payloadOf("a.com/x:1");
  t.equal(fault(signed({ ...good, optional: { creator: "cosign", timestamp: 1 } }), "a.com/x:1"), undefined);
  const text = JSON.stringify(good);
  const bad = [
    "{",
    "[]",
    JSON.stringify({ ...good, more: 1 }),
    JSON.stringify({ critical: good.critical }),
    JSON.stringify({ ...good, optional: 1 }),
    JSON.stringify({ ...good, critical: { ...good.critical, type: "atomic container signature" } }),
    JSON.stringify({ ...good, critical: { ...good.critical, image: { "docker-manifest-digest": 1 } } }),
    text.replace('"optional":null', `"optional":null,"critical":${JSON.stringify(good.critical)}`),
    text.replace('"docker-reference"', '"docker-reference":"a.com/x:1","docker-reference"'),
  ];
  for (const payload of bad)
    t.equal(fault(signed(payload), "a.com/x:1"), "signs what is no cosign container image signature", payload);
});

t.test("whom a signature is for is compared as containers-policy.json(5) says", async (t) => {
  const remap = { type: "remapIdentity", prefix: "mirror.com/up", signedPrefix: "a.com" };
  const cases: readonly (readonly [signed: string, wanted: string, identity: SignedIdentity, good: boolean])[] = [
    ["a.com/x:1", "a.com/x:1", EXACT, true],
    ["a.com/x:2", "a.com/x:1", EXACT, false],
    ["a.com/x", "a.com/x:latest", EXACT, false],
    ["nginx:1", "docker.io/library/nginx:1", EXACT, true],
    ["a.com/x:2", `a.com/x@${DIGEST}`, EXACT, true],
    ["a.com/x", `a.com/x:1@${DIGEST}`, EXACT, true],
    ["a.com/y:1", `a.com/x@${DIGEST}`, EXACT, false],
    [`a.com/x@${DIGEST}`, "a.com/x:1", EXACT, false],
    ["", "a.com/x:1", EXACT, false],
    ["a.com/x:1", "a.com/x:1", { type: "matchExact" }, true],
    ["a.com/x:1", `a.com/x@${DIGEST}`, { type: "matchExact" }, false],
    [`a.com/x@${DIGEST}`, `a.com/x@${DIGEST}`, { type: "matchExact" }, true],
    ["a.com/x", "a.com/x:1", { type: "matchRepository" }, true],
    ["a.com/x:2", "a.com/x:1", { type: "matchRepository" }, true],
    ["a.com/x/y", "a.com/x:1", { type: "matchRepository" }, false],
    ["b.com/z:3", "a.com/x:1", { type: "exactReference", dockerReference: "b.com/z:3" }, true],
    ["b.com/z:4", "a.com/x:1", { type: "exactReference", dockerReference: "b.com/z:3" }, false],
    ["b.com/z:4", "a.com/x:1", { type: "exactRepository", dockerRepository: "b.com/z" }, true],
    ["a.com/x:1", "a.com/x:1", { type: "exactRepository", dockerRepository: "b.com/z" }, false],
    ["a.com/x:1", "mirror.com/up/x:1", remap, true],
    ["mirror.com/up/x:1", "mirror.com/up/x:1", remap, false],
    ["a.com/x:1", "mirror.com/upper/x:1", remap, false],
    ["other.com/x:1", "other.com/x:1", remap, true],
    ["a.com/x:1", "a.com/x:1", { type: "of tomorrow" }, false],
  ];
  for (const [reference, wanted, identity, good] of cases)
    t.equal(
      fault(signed(payloadOf(reference)), wanted, identity) === undefined,
      good,
      `${identity.type}: "${reference}" for ${wanted}`,
    );
});

t.test("policy.json's keys are podrun's to check; logs' and authorities' words are left to skopeo", async (t) => {
  const pem = EC.publicKey.export({ type: "spki", format: "pem" }) as string;
  const place = testPlace(t);
  const file = (name: string) => place.write(`keys/${name}`, name === "own.pub" ? pem : "text");
  const own = file("own.pub");
  const accept = { type: "insecureAcceptAnything" };
  const gpg = { type: "signedBy", keyType: "GPGKeys", keyPath: "/key" };
  const judge = async (...requirements: readonly object[]) => {
    const policy = await createPolicyReader(
      testPlace(t, { "etc/containers/policy.json": { default: requirements } }),
    )();
    const verdict = policy.judge(parseReference("a.com/x:1"));
    return verdict.kind === "signed" ? verdict.sigstore : verdict.kind;
  };
  const identity = { type: "matchRepository" };
  t.same(await judge({ type: "sigstoreSigned", keyPath: own }), [{ keys: [{ path: own }], identity: EXACT }]);
  t.same(await judge(accept, { type: "sigstoreSigned", keyDatas: ["YQ==", "Yg=="], signedIdentity: identity }), [
    { keys: [{ data: "YQ==" }, { data: "Yg==" }], identity },
  ]);
  t.equal(await judge({ type: "sigstoreSigned", keyPath: own, rekorPublicKeyPath: "/b" }), undefined);
  t.equal(await judge({ type: "sigstoreSigned", fulcio: {} }), undefined);
  t.equal(await judge({ type: "sigstoreSigned", keyPath: own }, gpg), undefined, "skopeo checks them together");
  const data = Buffer.from(pem).toString("base64");
  const keys = await readKeys({ keys: [{ path: own }, { data }], identity: EXACT }, "/policy.json");
  t.equal(keys.length, 2);
  const bad: readonly (readonly [string, RegExp])[] = [
    ["/nowhere.pub", /\/policy\.json: the key \/nowhere\.pub that it names cannot be read \(ENOENT\)/],
    [file("text"), /is no public key in PEM/],
    [place.write("keys/private.pem", EC.privateKey.export({ type: "pkcs8", format: "pem" }) as string), /is no public/],
    [place.write("keys/cut.pub", `${pem.slice(0, 60)}\n-----END PUBLIC KEY-----\n`), /can't be read/],
    [
      place.write(
        "keys/x.pub",
        generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" }) as string,
      ),
      /is of kind x25519; sigstore knows ec, rsa, ed25519/,
    ],
  ];
  for (const [path, message] of bad)
    await t.rejects(readKeys({ keys: [{ path }], identity: EXACT }, "/policy.json"), {
      code: "ImageRejected",
      message,
    });
});

t.test(
  "signatures are looked for beside an image where registries.d says so, the most specific scope first",
  async (t) => {
    const folder = "etc/containers/registries.d";
    const yes = { "use-sigstore-attachments": true };
    const place = testPlace(t, {
      [`${folder}/a.yaml`]: {
        docker: { "a.com": yes, "a.com/no": { "use-sigstore-attachments": false }, "b.com": {} },
      },
      [`${folder}/b.yaml`]: "default-docker:\n  lookaside: https://sig.example\n",
      [`${folder}/c.yaml`]: "",
      [`${folder}/notes.txt`]: "{",
    });
    const looked = async (image: string) => (await createStoresReader(place)()).hasAttachments(parseReference(image));
    t.equal(await looked("a.com/x:1"), true);
    t.equal(await looked("a.com/no/x:1"), false);
    t.equal(await looked("b.com/x:1"), false);
    place.write(`${folder}/b.yaml`, { "default-docker": yes });
    t.equal(await looked("b.com/x:1"), true, "a section that does not say leaves it to the default");
    t.equal(await looked("a.com/no/x:1"), false);
    place.write("home/.config/containers/registries.d/x.yaml", { docker: { "b.com": yes } });
    t.equal(await looked("a.com/x:1"), false, "the user's own folder takes the place of the system's");
    for (const [content, message] of [
      ["docker: [", /x\.yaml: it is not YAML/],
      ["- a", /x\.yaml: all of it must be a mapping, it is a list/],
      [
        "docker: {a.com: {use-sigstore-attachments: 1}}",
        /docker\["a\.com"\]\.use-sigstore-attachments must be true or false/,
      ],
    ] as const) {
      place.write("home/.config/containers/registries.d/x.yaml", content);
      await t.rejects(looked("a.com/x:1"), { code: "ImageRejected", message });
    }
    place.write("home/.config/containers/registries.d/x.yaml", { docker: { "a.com": {} } });
    place.write("home/.config/containers/registries.d/y.yaml", { docker: { "a.com": yes } });
    await t.rejects(looked("a.com/x:1"), {
      message: /docker\["a\.com"\] stands in .*\.yaml, too; it must be in one file/,
    });
  },
);
