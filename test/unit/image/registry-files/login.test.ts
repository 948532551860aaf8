import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PodrunError } from "../../../../src/base/errors.ts";
import { registryFiles } from "../../../../src/image/registry/files.ts";
import { Login, type LoginOptions } from "../../../../src/image/registry/login.ts";
import type { Place } from "../../../../src/image/registry/place.ts";
import { auth, testPlace } from "./place.ts";

const OWN = "home/.config/containers/auth.json";
const ACCOUNT = { username: "me", password: "secret" };

function loginAt(place: Place, checkAccount: LoginOptions["checkAccount"] = async () => undefined): Login {
  return new Login({ place, files: registryFiles({ place }), checkAccount });
}

const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));

t.test("an account is written where podman and skopeo find it, for nobody else to read", async (t) => {
  const place = testPlace(t);
  const login = loginAt(place);
  const { file } = await login.login({ registry: "a.com:5000", ...ACCOUNT });
  t.equal(file, join(place.home, ".config/containers/auth.json"));
  t.strictSame(readJson(file), { auths: { "a.com:5000": auth("me") } });
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(await login.loggedIn("a.com:5000"), "me");
  t.equal(await login.loggedIn("a.com"), undefined);
});

t.test("an account that the registry does not take is not written", async (t) => {
  const place = testPlace(t);
  const login = loginAt(place, async () => {
    throw new PodrunError("RegistryUnauthorized", "no");
  });
  await t.rejects(login.login({ registry: "a.com", ...ACCOUNT }), { code: "RegistryUnauthorized" });
  t.equal(await login.loggedIn("a.com"), undefined);
});

t.test("the account is tried where registries.conf and certs.d say", async (t) => {
  const place = testPlace(t, {
    "etc/containers/registries.conf": `[[registry]]\nprefix="a.com"\nlocation="b.com:5000"\ninsecure=true\n[[registry]]\nlocation="bad.com"\nblocked=true`,
  });
  const asked: unknown[] = [];
  const login = loginAt(place, async ({ endpoint, credentials }) =>
    asked.push([endpoint.host, endpoint.insecure, credentials]),
  );
  await login.login({ registry: "a.com", ...ACCOUNT });
  await login.login({ registry: "a.com", ...ACCOUNT, tlsVerify: true });
  await login.login({ registry: "c.com", ...ACCOUNT, tlsVerify: false });
  t.strictSame(asked, [
    ["b.com:5000", true, ACCOUNT],
    ["b.com:5000", false, ACCOUNT],
    ["c.com", true, ACCOUNT],
  ]);
  await t.rejects(login.login({ registry: "bad.com", ...ACCOUNT }), { code: "ImageRejected" });
});

t.test(
  "what else stands in the file stays, also a symbolic link, and the account replaces its older names",
  async (t) => {
    const place = testPlace(t, {
      "kept.json": { auths: { "https://index.docker.io/v1/": auth("old"), "b.com": auth("b") }, other: { x: [1] } },
    });
    const link = join(place.home, "../auth.json");
    symlinkSync("kept.json", link);
    const login = loginAt(place);
    const { file } = await login.login({ registry: "https://index.docker.io/v1/", ...ACCOUNT, authFile: link });
    t.strictSame(readJson(file), { auths: { "b.com": auth("b"), "docker.io": auth("me") }, other: { x: [1] } });
    t.ok(lstatSync(link).isSymbolicLink());
    t.equal(await login.loggedIn("docker.io", link), "me");
  },
);

t.test("logins at the same time lose nothing", async (t) => {
  const place = testPlace(t);
  const login = loginAt(place);
  const names = Array.from({ length: 8 }, (_, index) => `r${index}.com`);
  await Promise.all(names.map((registry) => login.login({ registry, ...ACCOUNT })));
  t.strictSame(Object.keys(readJson(join(place.home, "../", OWN)).auths).sort(), names);
});

t.test("the file that knows the registry is changed; docker's own never is", async (t) => {
  const docker = { auths: { "a.com": auth("docker") } };
  const place = testPlace(t, {
    "run/containers/0/auth.json": { auths: { "r.com": auth("old") } },
    "home/.docker/config.json": docker,
  });
  const login = loginAt(place);
  t.match(await login.login({ registry: "r.com", ...ACCOUNT }), { file: join(place.run, "containers/0/auth.json") });
  t.match(await login.login({ registry: "a.com", ...ACCOUNT }), {
    file: join(place.home, ".config/containers/auth.json"),
  });
  t.equal(await login.loggedIn("a.com"), "me");
  await login.logout({ registry: "a.com" });
  t.equal(await login.loggedIn("a.com"), "docker");
  await t.rejects(login.logout({ registry: "a.com" }), {
    code: "NotFound",
    message: /not logged into a\.com; the account in .*config\.json is docker's/,
  });
  t.strictSame(readJson(join(place.home, ".docker/config.json")), docker);
  const named = loginAt({ ...place, env: { REGISTRY_AUTH_FILE: join(place.etc, "named.json") } });
  t.match(await named.login({ registry: "r.com", ...ACCOUNT }), { file: join(place.etc, "named.json") });
});

t.test("logout takes one account, or all, and says when there was none", async (t) => {
  const place = testPlace(t, {
    [OWN]: { auths: { "a.com": auth("a"), "a.com/team": auth("team"), "b.com": auth("b") }, x: 1 },
  });
  const login = loginAt(place);
  await login.logout({ registry: "a.com" });
  t.equal(await login.loggedIn("a.com"), undefined);
  t.equal(await login.loggedIn("a.com/team"), "team");
  await t.rejects(login.logout({ registry: "a.com" }), { code: "NotFound", message: "not logged into a.com" });
  const { file } = await login.logout({ all: true });
  t.strictSame(readJson(file), { auths: {}, x: 1 });
  await t.rejects(login.logout({}), { code: "NotFound", message: "not logged into docker.io" });
});

t.test("a helper keeps the account in the file's place, and gives it up at logout", async (t) => {
  const place = testPlace(t, { [OWN]: { credHelpers: { "a.com": "keeper" } } });
  const kept = join(place.home, "kept");
  const script = `#!/bin/sh
read -r line
case $1 in
store) printf %s "$line" > ${kept} ;;
get) cat ${kept} 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm ${kept} ;;
esac`;
  chmodSync(place.write("bin/docker-credential-keeper", script), 0o755);
  const before = process.env["PATH"];
  process.env["PATH"] = `${join(place.home, "../bin")}:${before}`;
  t.teardown(() => {
    process.env["PATH"] = before;
  });
  const login = loginAt(place);
  const { file } = await login.login({ registry: "a.com", ...ACCOUNT });
  t.strictSame(readJson(file), { credHelpers: { "a.com": "keeper" }, auths: { "a.com": {} } }, "no secret in the file");
  t.strictSame(readJson(kept), { ServerURL: "a.com", Username: "me", Secret: "secret" });
  t.equal(await login.loggedIn("a.com"), "me");
  await login.logout({ registry: "a.com" });
  t.equal(await login.loggedIn("a.com"), undefined);
  await t.rejects(login.logout({ registry: "a.com" }), { code: "NotFound" });
});

t.test("a bad name, a bad user and a bad file change nothing", async (t) => {
  const place = testPlace(t, { [OWN]: "{broken" });
  const login = loginAt(place);
  for (const registry of ["", "a b", "a.com/x y"]) {
    await t.rejects(login.login({ registry, ...ACCOUNT }), { code: "BadRequest", message: /is no registry/ }, registry);
  }
  await t.rejects(login.login({ registry: "a.com", username: "a:b", password: "x" }), { code: "BadRequest" });
  await t.rejects(login.login({ registry: "a.com", ...ACCOUNT }), {
    code: "RegistryUnauthorized",
    message: /auth\.json: it is not JSON/,
  });
  t.equal(readFileSync(join(place.home, "../", OWN), "utf8"), "{broken");
});

t.test("an auth file that the environment names is the only one that is changed", async (t) => {
  for (const name of ["PODRUN_AUTH_FILE", "REGISTRY_AUTH_FILE"]) {
    const others = { auths: { "a.com": auth("other") } };
    const place = testPlace(t, { [OWN]: others, "named.json": { auths: { "b.com": auth("named") } } });
    const named = join(place.home, "../named.json");
    const login = loginAt({ ...place, env: { [name]: named } });
    t.strictSame(await login.login({ registry: "a.com", ...ACCOUNT }), { file: named });
    t.strictSame(await login.logout({ all: true }), { file: named });
    t.strictSame(readJson(named), { auths: {} });
    await t.rejects(login.logout({ registry: "a.com" }), { code: "NotFound" });
    t.strictSame(readJson(join(place.home, "../", OWN)), others, name);
  }
});
