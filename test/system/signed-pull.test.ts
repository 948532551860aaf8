// Signatures, with the real tools: a GPG key, docker-registry, skopeo signing into a lookaside store, skopeo checking.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { registryFiles } from "../../src/image/registry/files.ts";
import { machinePlace, type Place } from "../../src/image/registry/place.ts";
import { createSignedCopy } from "../../src/image/registry/signed-pull.ts";
import type { PullRequest } from "../../src/image/types.ts";
import { isAlive, until } from "./support/podrun.ts";
import { type Registry, registryEnv, startRegistry } from "./support/registry.ts";

const PASSWORD = { user: "reader", password: "of books" };
const PLATFORM = { os: "linux", architecture: "amd64" };

interface Fixture {
  readonly registry: Registry;
  readonly folder: string;
  readonly gnupg: string;
  readonly repository: string;
}

/** A registry with `signed:1` (signed by the first key) and `plain:1` (not signed at all). */
async function prepare(test: Test): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-signed-"));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const registry = await startRegistry(test, { tls: true, password: PASSWORD });
  const gnupg = join(folder, "gnupg");
  mkdirSync(gnupg, { mode: 0o700 });
  test.teardown(() => execFileSync("gpgconf", ["--homedir", gnupg, "--kill", "all"]));
  for (const name of ["first", "second"]) makeKey(gnupg, folder, name);
  mkdirSync(join(folder, "registries.d"));
  const store = { lookaside: `file://${join(folder, "store")}` };
  writeFileSync(join(folder, "registries.d/test.yaml"), JSON.stringify({ docker: { [registry.host]: store } }));
  const fixture = { registry, folder, gnupg, repository: `${registry.host}/team` };
  writeImage(join(folder, "image"));
  push(fixture, "signed", ["--sign-by", "first@example.com"]);
  push(fixture, "plain", []);
  return fixture;
}

function makeKey(gnupg: string, folder: string, name: string): void {
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", gnupg, "--batch", "--quiet", ...args], { stdio: "pipe" });
  gpg("--passphrase", "", "--quick-generate-key", `${name}@example.com`, "ed25519", "sign", "never");
  writeFileSync(join(folder, `${name}.gpg`), gpg("--export", `${name}@example.com`));
}

/** A dir: of Docker's kind: its digest would change, were it made into an OCI image on the way. */
function writeImage(folder: string): void {
  mkdirSync(folder);
  const put = (data: Buffer, mediaType: string) => {
    const hex = createHash("sha256").update(data).digest("hex");
    writeFileSync(join(folder, hex), data);
    return { mediaType, digest: `sha256:${hex}`, size: data.length };
  };
  const tar = execFileSync("tar", ["-c", "-C", folder, "--files-from", "/dev/null"]);
  const layer = put(tar, "application/vnd.docker.image.rootfs.diff.tar");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  };
  const type = "application/vnd.docker.distribution.manifest.v2+json";
  const described = put(Buffer.from(JSON.stringify(config)), "application/vnd.docker.container.image.v1+json");
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: type, config: described, layers: [layer] }),
  );
  writeFileSync(join(folder, "version"), "Directory Transport Version: 1.1\n");
}

function push({ registry, folder, gnupg, repository }: Fixture, name: string, sign: readonly string[]): void {
  const target = [
    "--dest-creds",
    `${PASSWORD.user}:${PASSWORD.password}`,
    "--dest-cert-dir",
    certificates(folder, registry),
  ];
  const copy = [
    "copy",
    "--quiet",
    "--insecure-policy",
    ...target,
    ...sign,
    `dir:${folder}/image`,
    `docker://${repository}/${name}:1`,
  ];
  const args = ["--registries.d", join(folder, "registries.d"), ...copy];
  execFileSync("skopeo", args, { env: { ...process.env, GNUPGHOME: gnupg }, stdio: "pipe" });
}

function certificates(folder: string, { ca }: Registry): string {
  const target = join(folder, "push-certs");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "ca.crt"), readFileSync(ca ?? ""));
  return target;
}

/** The surroundings of a daemon whose policy wants signatures by these keys. */
function placeFor(test: Test, fixture: Fixture, keys: readonly string[]): Place {
  const requirement = (key: string) => ({
    type: "signedBy",
    keyType: "GPGKeys",
    keyPath: join(fixture.folder, `${key}.gpg`),
  });
  const policy = {
    default: [{ type: "reject" }],
    transports: { docker: { [fixture.repository]: keys.map(requirement) } },
  };
  const env = registryEnv(test, [fixture.registry], { policy, loggedIn: [fixture.registry] });
  return {
    ...machinePlace({ ...env, PODRUN_REGISTRIES_D: join(fixture.folder, "registries.d") }),
    home: test.testdir({}),
  };
}

function copyInto(
  test: Test,
  fixture: Fixture,
  keys: readonly string[],
  name: string,
  more: Partial<PullRequest> = {},
  abort?: AbortSignal,
) {
  const place = placeFor(test, fixture, keys);
  const folder = test.testdir({});
  const reference = `${fixture.repository}/${name}`;
  const copy = createSignedCopy({ place, files: registryFiles({ place }) });
  const request = { reference, folder, platform: PLATFORM, pull: { reference, ...more } };
  return { folder, done: copy({ ...request, ...(abort && { signal: abort }) }) };
}

t.test("signatures that policy.json asks for", async (t) => {
  const fixture = await prepare(t);
  // skopeo compressed the layer on its way in: what counts is what the registry has.
  const accept = "application/vnd.docker.distribution.manifest.v2+json";
  const { body: manifest } = await fixture.registry.send("GET", "/v2/team/signed/manifests/1", { headers: { accept } });
  const digest = createHash("sha256").update(manifest).digest("hex");

  await t.test("an image signed by the key comes, with the manifest and the blobs that the registry has", async (t) => {
    const { folder, done } = copyInto(t, fixture, ["first"], "signed:1");
    await done;
    const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    t.match(index.manifests, [{ digest: `sha256:${digest}`, size: manifest.length }]);
    t.equal(index.manifests[0].mediaType, "application/vnd.docker.distribution.manifest.v2+json");
    const blobs = readdirSync(join(folder, "blobs/sha256"));
    t.equal(blobs.length, 3, "manifest, config, layer");
    for (const blob of blobs) {
      t.equal(
        createHash("sha256")
          .update(readFileSync(join(folder, "blobs/sha256", blob)))
          .digest("hex"),
        blob,
      );
    }
    t.strictSame(readdirSync(folder).sort(), ["blobs", "index.json", "oci-layout"], "no account is left behind");
  });

  await t.test("it comes by its digest, too", async (t) => {
    const { folder, done } = copyInto(t, fixture, ["first"], `signed:1@sha256:${digest}`);
    await done;
    t.ok(existsSync(join(folder, "blobs/sha256", digest)));
  });

  await t.test("an image without a signature is rejected, by file and scope", async (t) => {
    const { folder, done } = copyInto(t, fixture, ["first"], "plain:1");
    const message = /plain:1": .*policy\.json rejects it \(transports\.docker\["127.*\/team"\]\): .*signature/;
    await t.rejects(done, { code: "ImageRejected", message });
    t.notOk(existsSync(join(folder, "accounts.json")), "no account is left behind");
    t.notOk(existsSync(join(folder, "index.json")), "nothing to import is there");
  });

  await t.test("an image signed by another key is rejected", async (t) => {
    await t.rejects(copyInto(t, fixture, ["second"], "signed:1").done, {
      code: "ImageRejected",
      message: /policy\.json/,
    });
  });

  await t.test("of several requirements all must hold", async (t) => {
    await t.rejects(copyInto(t, fixture, ["first", "second"], "signed:1").done, { code: "ImageRejected" });
  });

  await t.test("a wrong account is an account's error, and the next one is tried", async (t) => {
    const wrong = { username: "reader", password: "wrong" };
    const alone = copyInto(t, fixture, ["first"], "signed:1", { credentials: wrong }).done;
    await t.rejects(alone, { code: "RegistryUnauthorized", message: /signed:1/ });
    const auth = Buffer.from("reader:wrong").toString("base64");
    const pullSecrets = [{ auths: { [fixture.registry.host]: { auth } } }];
    await t.resolves(copyInto(t, fixture, ["first"], "signed:1", { pullSecrets }).done);
  });

  await t.test("an image that is not there is not found", async (t) => {
    await t.rejects(copyInto(t, fixture, ["first"], "signed:2").done, { code: "ImageNotFound", message: /signed:2/ });
  });

  await t.test("a pull that is cancelled ends skopeo", async (t) => {
    const abort = AbortSignal.abort();
    await t.rejects(copyInto(t, fixture, ["first"], "signed:1", {}, abort).done, { code: "Cancelled" });
  });

  await t.test("without skopeo the error says what to install", async (t) => {
    const before = process.env["PATH"];
    const bin = t.testdir({ setpriv: t.fixture("symlink", "/usr/bin/setpriv") });
    process.env["PATH"] = bin;
    t.teardown(() => {
      process.env["PATH"] = before;
    });
    const place = placeFor(t, fixture, ["first"]);
    const folder = mkdtempSync(join(tmpdir(), "podrun-signed-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const reference = `${fixture.repository}/signed:1`;
    const done = createSignedCopy({ place, files: registryFiles({ place }) })({
      reference,
      folder,
      platform: PLATFORM,
      pull: { reference },
    });
    await t.rejects(done, {
      code: "ImageRejected",
      message: /needs skopeo, which checks signatures: apt-get install skopeo/,
    });
  });
});

t.test("skopeo dies with the daemon that started it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "podrun-signed-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  mkdirSync(file("bin"));
  writeFileSync(
    file("bin/skopeo"),
    `#!/bin/sh\necho $$ > ${file("new")}; mv ${file("new")} ${file("pid")}; exec sleep 1000\n`,
    { mode: 0o755 },
  );
  writeFileSync(
    file("policy.json"),
    JSON.stringify({ default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }] }),
  );
  const source = join(import.meta.dirname, "../../src/image/registry/index.ts");
  const reference = "example.com/signed:1";
  const request = { reference, folder, platform: PLATFORM, pull: { reference } };
  const program = `import { openRegistries } from ${JSON.stringify(source)}; await openRegistries().copySigned(${JSON.stringify(request)});`;
  const env = {
    ...process.env,
    PATH: `${file("bin")}:${process.env["PATH"]}`,
    PODRUN_POLICY: file("policy.json"),
    HOME: folder,
  };
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  t.teardown(() => daemon.kill("SIGKILL"));
  await until(async () => existsSync(file("pid")), 20_000);
  const pid = Number(readFileSync(file("pid"), "utf8"));
  t.teardown(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
  t.ok(isAlive(pid));
  daemon.kill("SIGKILL");
  await until(async () => !isAlive(pid), 20_000);
  t.pass("it is gone");
});
