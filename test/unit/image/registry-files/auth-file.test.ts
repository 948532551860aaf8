import { chmodSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type CredentialOptions, createCredentialsReader } from "../../../../src/image/registry/auth-file.ts";
import type { Place } from "../../../../src/image/registry/place.ts";
import { auth, testPlace } from "./place.ts";

const OWN = "home/.config/containers/auth.json";
const DOCKER = "home/.docker/config.json";

async function users(place: Place, name: string, options: CredentialOptions = {}, helpers: readonly string[] = []) {
  const [domain = "", ...path] = name.split("/");
  const accounts = await createCredentialsReader(place, async () => helpers)(options).find(domain, path.join("/"));
  return accounts.map(({ username, identityToken }) => identityToken ?? username);
}

/** A program docker-credential-NAME on the PATH: `$1` is the verb, stdin the server. */
function installHelper(t: Test, place: ReturnType<typeof testPlace>, name: string, script: string): void {
  chmodSync(place.write(`bin/docker-credential-${name}`, `#!/bin/sh\nread -r server\n${script}\n`), 0o755);
  const before = process.env["PATH"];
  process.env["PATH"] = `${join(place.home, "../bin")}:${before}`;
  t.teardown(() => {
    process.env["PATH"] = before;
  });
}

t.test("of one file's accounts the longest path comes first, and parts of names are whole parts", async (t) => {
  const auths = {
    "my.local": auth("host"),
    "my.local/foo": auth("foo"),
    "my.local/foo/bar/image": auth("image"),
    "*.local": auth("wild"),
    "*.local/foo": auth("wild-foo"),
    "my.local:5000": auth("port"),
    "*.*": auth("two"),
    "*": auth("one"),
  };
  const place = testPlace(t, { [OWN]: { auths } });
  t.strictSame(await users(place, "my.local/foo/bar/image"), ["image", "foo", "wild-foo", "host", "wild", "two"]);
  t.strictSame(await users(place, "my.local/foobar/x"), ["host", "wild", "two"]);
  t.strictSame(await users(place, "my.local:5000/foo"), ["port"]);
  t.strictSame(await users(place, "a.b.local/x"), [], "a * is one label");
  t.strictSame(await users(place, "evil/my.local"), ["one"]);
});

t.test("a host's name means the same in any case", async (t) => {
  const place = testPlace(t, { [OWN]: { auths: { "https://My.Local/v1/": auth("mine") } } });
  t.strictSame(await users(place, "my.local/x"), ["mine"]);
});

t.test("a * stands for any part of a label, and a key of a hundred does not hold anybody up", async (t) => {
  const keys = [
    "reg*.io",
    "*ry.io",
    "r*g*y.io",
    "registry*registry.io",
    "*x*.io",
    "r*.i*:5000",
    "registr*y.io",
    "registry*.io",
  ];
  const many = `${"*a".repeat(100)}*b.io`;
  const auths = Object.fromEntries([...keys, many].map((key) => [key, auth(key)]));
  const place = testPlace(t, { [OWN]: { auths } });
  t.strictSame(await users(place, "registry.io/x"), ["reg*.io", "*ry.io", "r*g*y.io", "registr*y.io", "registry*.io"]);
  t.strictSame(await users(place, "registry.io:5000/x"), ["r*.i*"], "the name ends at the colon");
  t.strictSame(await users(place, `${"a".repeat(200)}.io/x`), []);
  t.strictSame(await users(place, `${"ca".repeat(100)}b.io/x`), [many]);
});

t.test("Docker Hub has one account under all of its names, and old keys are URLs", async (t) => {
  for (const key of [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "https://index.docker.io/v1/",
    "https://registry-1.docker.io/v2/",
  ]) {
    const place = testPlace(t, { [DOCKER]: { auths: { [key]: auth("hub") } } });
    t.strictSame(await users(place, "docker.io/library/nginx"), ["hub"], key);
    t.strictSame(await users(place, "registry-1.docker.io/library/nginx"), ["hub"], key);
    t.strictSame(await users(place, "quay.io/library/nginx"), [], key);
  }
  const place = testPlace(t, {
    "home/.dockercfg": { "https://old.com/v1/": auth("old"), "http://plain.com": auth("plain") },
  });
  t.strictSame(await users(place, "old.com/x"), ["old"]);
  t.strictSame(await users(place, "plain.com/x"), ["plain"]);
});

t.test(
  "files are read in the order of containers-auth.json(5), pull secrets before them, each account once",
  async (t) => {
    const file = (user: string) => ({ auths: { "a.com": auth(user) } });
    const place = testPlace(t, {
      "named.json": file("option"),
      "test.json": file("podrun"),
      "env.json": file("env"),
      "xdg/containers/auth.json": file("runtime"),
      "run/containers/0/auth.json": file("run"),
      [OWN]: file("own"),
      [DOCKER]: file("docker"),
      "home/.dockercfg": { "a.com": auth("dockercfg") },
    });
    const at = (name: string) => join(place.home, "..", name);
    const env = { PODRUN_AUTH_FILE: at("test.json"), REGISTRY_AUTH_FILE: at("env.json"), XDG_RUNTIME_DIR: at("xdg") };
    const secrets = [
      { auths: { "a.com": auth("second"), "a.com/x": auth("first") } },
      { auths: { "a.com": auth("docker") } },
    ];
    t.strictSame(await users({ ...place, env }, "a.com/x", { authFile: at("named.json"), secrets }), [
      ...["first", "second", "docker", "option", "podrun", "env", "runtime", "run", "own", "dockercfg"],
    ]);
    t.strictSame(await users(place, "a.com/x"), ["run", "own", "docker", "dockercfg"]);
    const moved = { ...place, env: { DOCKER_CONFIG: at("xdg"), XDG_CONFIG_HOME: at("xdg") } };
    t.strictSame(await users(moved, "a.com/x"), ["run", "runtime", "dockercfg"], "DOCKER_CONFIG and XDG_CONFIG_HOME");
  },
);

t.test("an account is auth, or user name and password, or an identity token; an empty one is none", async (t) => {
  const auths = {
    "plain.com": { username: "plain", password: "p" },
    "token.com": { ...auth("u", ""), identitytoken: "the-token" },
    "empty.com": {},
    "null.com": null,
    "blank.com": { auth: "" },
  };
  const place = testPlace(t, { [OWN]: { auths, credsStore: "", other: [1] } });
  t.strictSame(await users(place, "plain.com/x"), ["plain"]);
  t.strictSame(await users(place, "token.com/x"), ["the-token"]);
  for (const name of ["empty.com/x", "null.com/x", "blank.com/x"]) t.strictSame(await users(place, name), [], name);
  const colons = testPlace(t, { [OWN]: { auths: { "a.com": auth("user", "a:b:c") } } });
  const found = await createCredentialsReader(colons, async () => [])({}).find("a.com", "x");
  t.strictSame(found, [{ username: "user", password: "a:b:c" }]);
});

t.test("an auth file that cannot be read is an error of the account, without a secret in it", async (t) => {
  const cases: readonly (readonly [string | object, RegExp])[] = [
    ["{", /auth\.json: it is not JSON/],
    ["[]", /one JSON object/],
    [{ auths: [] }, /auths must be an object, it is a list/],
    [{ auths: { "a.com": "x" } }, /auths\["a\.com"\] must be an object/],
    [{ auths: { "a.com": { auth: 7 } } }, /auths\["a\.com"\]\.auth must be a text/],
    [{ auths: { "a.com": { auth: "!!" } } }, /account "a\.com": "auth" must be USER:PASSWORD in base64/],
    [{ auths: { "a.com": { auth: Buffer.from("nocolon").toString("base64") } } }, /USER:PASSWORD in base64/],
    [{ credHelpers: { "a.com": 1 } }, /credHelpers\["a\.com"\] must be a text/],
    [{ credsStore: [] }, /credsStore must be a text/],
  ];
  for (const [content, message] of cases) {
    await t.rejects(
      users(testPlace(t, { [OWN]: content }), "a.com/x"),
      { code: "RegistryUnauthorized", message },
      JSON.stringify(content),
    );
  }
  await t.rejects(users(testPlace(t, { [`${OWN}/x`]: "" }), "a.com/x"), { message: /auth\.json: it is a folder/ });
  t.strictSame(await users(testPlace(t, { [OWN]: "" }), "a.com/x"), [], "an empty file is none");
});

t.test("a registry's credential helper is asked instead of the file", async (t) => {
  const place = testPlace(t, {
    [OWN]: {
      auths: { "a.com": auth("file"), "hub.com": auth("hub") },
      credHelpers: { "a.com": "mine", "index.docker.io": "mine" },
    },
  });
  installHelper(t, place, "mine", `echo "{\\"Username\\":\\"$1 $server\\",\\"Secret\\":\\"s\\"}"`);
  t.strictSame(await users(place, "a.com/x"), ["get a.com"]);
  t.strictSame(await users(place, "hub.com/x"), ["hub"]);
  t.strictSame(await users(place, "docker.io/library/x"), ["get https://index.docker.io/v1/"]);
  t.strictSame(
    await users(place, "b.com/x", {}, ["containers-auth.json", "mine"]),
    ["get b.com"],
    "of registries.conf",
  );
});

t.test("the store for all registries is asked for what the file has no account for", async (t) => {
  const place = testPlace(t, { [DOCKER]: { auths: { "a.com": {}, "b.com": auth("file") }, credsStore: "all" } });
  installHelper(
    t,
    place,
    "all",
    `[ "$server" = a.com ] && echo '{"Username":"<token>","Secret":"tok"}' && exit; echo credentials not found in native keychain; exit 1`,
  );
  t.strictSame(await users(place, "a.com/x"), ["tok"]);
  t.strictSame(await users(place, "b.com/x"), ["file"]);
  t.strictSame(await users(place, "c.com/x"), [], "credentials not found is no error");
});

t.test("a helper that fails, is not there or answers nonsense is named", async (t) => {
  const place = testPlace(t, {
    [OWN]: { credHelpers: { "a.com": "broken", "b.com": "missing", "c.com": "silly", "d.com": "../evil" } },
  });
  installHelper(t, place, "broken", "echo the keyring is locked >&2; exit 1");
  installHelper(t, place, "silly", "echo secret");
  const fails = (name: string, message: RegExp) =>
    t.rejects(users(place, name), { code: "RegistryUnauthorized", message });
  await fails(
    "a.com/x",
    /auth\.json, credential helper for a\.com: docker-credential-broken get failed: the keyring is locked/,
  );
  await fails("b.com/x", /docker-credential-missing is not installed/);
  await fails("c.com/x", /docker-credential-silly get must answer with Username and Secret/);
  await fails("d.com/x", /must be a plain name/);
});
