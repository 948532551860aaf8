// What skopeo is given for an image whose signature counts; skopeo itself is asked in test/system/signed-pull.test.ts.
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createSignatureCheck } from "../../../../src/image/registry/check-signature.ts";
import { registryFiles } from "../../../../src/image/registry/files.ts";
import type { PullRequest } from "../../../../src/image/types.ts";
import { auth, testPlace } from "./place.ts";

const POLICY = "etc/containers/policy.json";
const REGISTRIES = "etc/containers/registries.conf";
const SIGNED = { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }] };
const REMAPPED = `
[[registry]]
prefix = "app.example"
location = "elsewhere.example"
[[registry.mirror]]
location = "mirror.example"
`;

/** A skopeo that keeps the accounts that it is given, and fails. */
function installSkopeo(t: Test, place: ReturnType<typeof testPlace>): string {
  const kept = join(place.home, "../given.json");
  const script = `while [ $# -gt 0 ]; do [ "$1" = --src-authfile ] && cp "$2" ${kept}; shift; done; echo manifest unknown >&2; exit 1`;
  chmodSync(place.write("bin/skopeo", `#!/bin/sh\n${script}\n`), 0o755);
  const before = process.env["PATH"];
  process.env["PATH"] = `${join(place.home, "../bin")}:${before}`;
  t.teardown(() => {
    process.env["PATH"] = before;
  });
  return kept;
}

function check(t: Test, place: ReturnType<typeof testPlace>, reference: string, pull: Partial<PullRequest> = {}) {
  const folder = t.testdir();
  mkdirSync(folder, { recursive: true });
  const platform = { os: "linux", architecture: "amd64" };
  const request = { reference, folder, platform, layers: [], pull: { reference, ...pull } };
  return createSignatureCheck({ place, files: registryFiles({ place }) })(request);
}

t.test("--creds are given for the registry that was named, and for no mirror or other location of it", async (t) => {
  const auths = { "elsewhere.example": auth("own"), "mirror.example": auth("mirror") };
  const place = testPlace(t, {
    [POLICY]: SIGNED,
    [REGISTRIES]: REMAPPED,
    "home/.config/containers/auth.json": { auths },
  });
  const kept = installSkopeo(t, place);
  const credentials = { username: "given", password: "secret" };
  const accounts = (): Record<string, { auth: string }> => JSON.parse(readFileSync(kept, "utf8")).auths;
  await t.rejects(check(t, place, "plain.example/x:1", { credentials }), { code: "ImageNotFound" });
  t.strictSame(accounts(), { "plain.example/x": { auth: Buffer.from("given:secret").toString("base64") } });
  await t.rejects(check(t, place, "app.example/x:1", { credentials }), { code: "ImageNotFound" });
  t.strictSame(accounts(), { "mirror.example/x": auth("mirror"), "elsewhere.example/x": auth("own") });
  t.notOk(existsSync(join(t.testdirName, "accounts.json")));
});

t.test("a policy that does not ask for a signature any more ends the pull with the policy's reason", async (t) => {
  const place = testPlace(t, { [POLICY]: { default: [{ type: "insecureAcceptAnything" }] } });
  await t.rejects(check(t, place, "plain.example/x:1"), {
    code: "ImageRejected",
    message: /policy\.json was changed during the pull; pull again/,
    details: { image: "plain.example/x:1", scope: "changed" },
  });
});
