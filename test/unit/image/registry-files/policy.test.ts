import { rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseReference } from "../../../../src/image/reference.ts";
import { createPolicyReader, policyScopes } from "../../../../src/image/registry/policy.ts";
import { type TestPlace, testPlace } from "./place.ts";

const DIGEST = `sha256:${"b".repeat(64)}`;
const MAIN = "etc/containers/policy.json";
const ACCEPT = [{ type: "insecureAcceptAnything" }];
const REJECT = [{ type: "reject" }];
const SIGNED = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }];

async function judge(place: TestPlace, image: string): Promise<string> {
  const policy = await createPolicyReader(place)();
  try {
    const verdict = policy.judge(parseReference(image));
    return verdict.kind === "signed" ? `signed ${verdict.scope}` : verdict.kind;
  } catch (error) {
    t.match(error, { code: "ImageRejected", message: /policy\.json rejects it/ });
    return "reject";
  }
}

t.test("scopes go from the whole name to the transport's default, as containers-policy.json(5) has them", async (t) => {
  t.strictSame(policyScopes(parseReference("reg.example.com:5000/ns/app:1")), [
    "reg.example.com:5000/ns/app:1",
    "reg.example.com:5000/ns/app",
    "reg.example.com:5000/ns",
    "reg.example.com:5000",
    "*.example.com",
    "*.com",
    "",
  ]);
  t.strictSame(policyScopes(parseReference("nginx")), [
    "docker.io/library/nginx:latest",
    "docker.io/library/nginx",
    "docker.io/library",
    "docker.io",
    "*.io",
    "",
  ]);
  t.equal(policyScopes(parseReference(`a.com/x:1@${DIGEST}`))[0], `a.com/x@${DIGEST}`, "a digest goes before a tag");
});

t.test("the most specific scope counts alone, and of its requirements all must hold", async (t) => {
  const docker = {
    "": REJECT,
    "docker.io": ACCEPT,
    "docker.io/library": SIGNED,
    "docker.io/library/nginx": REJECT,
    "docker.io/library/nginx:1": ACCEPT,
    "*.example.com": ACCEPT,
    "a.example.com/closed": REJECT,
    "port.com:5000": ACCEPT,
    "both.com": [...ACCEPT, ...SIGNED],
    "never.com": [...SIGNED, ...REJECT],
    [`pinned.com/x@${DIGEST}`]: ACCEPT,
  };
  const place = testPlace(t, {
    [MAIN]: {
      default: REJECT,
      transports: { docker, atomic: { "other.com": ACCEPT }, "containers-storage": { "": ACCEPT } },
    },
  });
  const cases: Readonly<Record<string, string>> = {
    "user/x": "accept",
    "docker.io/library/busybox": `signed transports.docker["docker.io/library"]`,
    "nginx:2": "reject",
    "nginx:1": "accept",
    "a.example.com/x": "accept",
    "b.a.example.com:5000/x": "accept",
    "example.com/x": "reject",
    "a.example.com/closed": "reject",
    "a.example.com/closed/deeper": "reject",
    "a.example.com/closedness": "accept",
    "port.com:5000/x": "accept",
    "port.com/x": "reject",
    "both.com/x": `signed transports.docker["both.com"]`,
    "never.com/x": "reject",
    [`pinned.com/x:1@${DIGEST}`]: "accept",
    "pinned.com/x:1": "reject",
    "other.com/x": "reject",
  };
  for (const [image, expected] of Object.entries(cases)) t.equal(await judge(place, image), expected, image);
});

t.test("without a scope of docker the default counts; without a file everything is accepted", async (t) => {
  t.equal(await judge(testPlace(t, { [MAIN]: { default: SIGNED } }), "x"), "signed default");
  t.equal(await judge(testPlace(t), "x"), "accept");
});

t.test("the user's own policy takes the place of the system's, the environment's of both", async (t) => {
  const place = testPlace(t, { [MAIN]: { default: ACCEPT } });
  t.equal(await judge(place, "x"), "accept");
  const own = place.write("home/.config/containers/policy.json", { default: REJECT });
  t.equal(await judge(place, "x"), "reject");
  rmSync(own);
  t.equal(await judge(place, "x"), "accept");
  const named = { ...place, env: { PODRUN_POLICY: join(place.etc, "other/policy.json") } };
  await t.rejects(judge(named, "x"), { code: "ImageRejected", message: /no such file, and the environment names it/ });
  place.write("etc/other/policy.json", { default: REJECT });
  t.equal(await judge(named, "x"), "reject");
});

t.test("a policy with any mistake refuses every image, and says where the mistake is", async (t) => {
  const signed = (more: object) => ({ default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key", ...more }] });
  const cases: readonly (readonly [string | object, RegExp])[] = [
    ["{", /policy\.json: it is not JSON/],
    ["[]", /there must be one JSON object in it, and it is a list/],
    [{}, /default must be there/],
    [{ default: [] }, /default must be a list of one requirement or more, it is empty/],
    [{ default: {} }, /default must be a list of one requirement or more, it is an object/],
    [{ default: ["reject"] }, /default\[0\] must be an object, it is "reject"/],
    [{ default: [{}] }, /default\[0\]\.type must be one of .*; it is missing/],
    [{ default: [{ type: "accept" }] }, /default\[0\]\.type must be one of .*; it is "accept"/],
    [{ default: [{ type: "reject", why: 1 }] }, /default\[0\] must not have "why"/],
    [{ default: ACCEPT, transport: {} }, /at the top must not have "transport"/],
    [{ default: ACCEPT, transports: [] }, /transports must be an object/],
    [{ default: ACCEPT, transports: { docker: { "a.com": [] } } }, /transports\.docker\["a\.com"\] must be a list/],
    [{ default: ACCEPT, transports: { strange: { "": [{ type: "x" }] } } }, /transports\.strange\[""\]\[0\]\.type/],
    [signed({ keyData: "x" }), /must have exactly one of keyPath, keyPaths, keyData/],
    [signed({ keyPath: undefined }), /must have exactly one of/],
    [signed({ keyPath: 1 }), /default\[0\]\.keyPath must be a text/],
    [signed({ keyPath: undefined, keyPaths: [] }), /keyPaths must be a list of one text or more/],
    [signed({ keyType: "RSA" }), /keyType must be one of GPGKeys/],
    [
      signed({ signedIdentity: { type: "exactReference" } }),
      /signedIdentity\.dockerReference must be a text, it is missing/,
    ],
    [signed({ signedIdentity: { type: "matchExact", prefix: "x" } }), /signedIdentity must not have "prefix"/],
    [
      '{"default": [{"type": "reject"}],\n "default": [{"type": "insecureAcceptAnything"}]}',
      /line 2: "default" stands there twice/,
    ],
    [
      '{"default": [{"type": "reject",\n\n "\\u0074ype": "insecureAcceptAnything"}]}',
      /line 3: "type" stands there twice/,
    ],
  ];
  for (const [content, message] of cases) {
    const done = createPolicyReader(testPlace(t, { [MAIN]: content }))();
    await t.rejects(done, { code: "ImageRejected", message }, JSON.stringify(content));
  }
  await t.rejects(createPolicyReader(testPlace(t, { [`${MAIN}/x`]: "" }))(), {
    code: "ImageRejected",
    message: /it is a folder/,
  });
});

t.test("every requirement and identity of the man page is known", async (t) => {
  const identities = [
    { type: "matchExact" },
    { type: "matchRepoDigestOrExact" },
    { type: "matchRepository" },
    { type: "exactReference", dockerReference: "a.com/x:1" },
    { type: "exactRepository", dockerRepository: "a.com/x" },
    { type: "remapIdentity", prefix: "a.com", signedPrefix: "b.com" },
  ];
  const requirements = [
    ...identities.map((signedIdentity) => ({ ...SIGNED[0], signedIdentity })),
    { type: "signedBy", keyType: "GPGKeys", keyPaths: ["/a", "/b"] },
    { type: "signedBy", keyType: "GPGKeys", keyData: "eA==" },
    { type: "sigstoreSigned", keyPath: "/a" },
    { type: "sigstoreSigned", keyData: "eA==", signedIdentity: identities[2] },
    { type: "sigstoreSigned", fulcio: { caPath: "/a" }, rekorPublicKeyPath: "/b" },
  ];
  for (const requirement of requirements) {
    t.equal(
      await judge(testPlace(t, { [MAIN]: { default: [requirement] } }), "x"),
      "signed default",
      JSON.stringify(requirement),
    );
  }
});
