// Simple signing, with the real tools: GPG keys, docker-registry, skopeo signing into a lookaside store, skopeo checking.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { isAlive, until } from "./support/podrun.ts";
import { PASSWORD, prepareSigned, pullWith, type Requirement, refused, type SignedFixture } from "./support/signed.ts";

t.test("simple signing: GPG keys and a lookaside store", async (t) => {
  const fixture = await prepareSigned(t, (folder) => ({ lookaside: `file://${join(folder, "store")}` }));
  const { folder, registry, image } = fixture;
  const gnupg = join(folder, "gnupg");
  mkdirSync(gnupg, { mode: 0o700 });
  t.teardown(() => execFileSync("gpgconf", ["--homedir", gnupg, "--kill", "all"]));
  for (const name of ["first", "second"]) makeGpgKey(gnupg, folder, name);
  signByGpg(fixture, gnupg, "first");
  const by = (key: string): Requirement => ({
    type: "signedBy",
    keyType: "GPGKeys",
    keyPath: join(folder, `${key}.gpg`),
  });

  await t.test("an image signed by the key comes, its layers by podrun's own hand, and again costs none", async (t) => {
    const { pull, told, left, reference, images } = pullWith(t, fixture, [by("first")], "signed:1");
    const before = registry.requests().length;
    t.match(await pull(), { id: image.id, reference, digest: image.manifest.digest, unchanged: false });
    t.match(told[0], { type: "verifying", scope: `transports.docker["${fixture.repository}"]` });
    t.match(told[1], { type: "resolved", digest: image.manifest.digest });
    t.ok(told.some((one) => one.type === "layer" && one.state === "done"));
    t.same(left(), [], "neither an account nor a layout is left");
    const layers = image.blobs.slice(1).map(({ digest }) => digest);
    const sent = registry
      .requests()
      .slice(before)
      .filter(
        ({ path, method, status }) => method === "GET" && status < 300 && layers.some((one) => path.endsWith(one)),
      );
    t.equal(sent.length, layers.length, "each layer comes once");
    t.ok(
      sent.every(({ agent }) => agent.startsWith("podrun/")),
      "skopeo fetches none",
    );
    const again = registry.requests().length;
    t.match(await pull(), { id: image.id, unchanged: true });
    const asked = registry.requests().slice(again);
    t.notOk(asked.some(({ path }) => layers.some((one) => path.endsWith(one))));
    t.ok(
      asked.some(({ agent }) => agent.startsWith("skopeo/")),
      "its signature is looked for again",
    );
    t.equal(images.list().length, 1);
  });

  await t.test("it comes by its digest, too", async (t) => {
    const { pull } = pullWith(t, fixture, [by("first")], `signed:1@${image.manifest.digest}`);
    t.match(await pull(), { id: image.id });
  });

  await t.test("an image without a signature is rejected, by file and scope", async (t) => {
    const message = /plain:1": .*policy\.json rejects it \(transports\.docker\["127.*\/team"\]\): .*signature/;
    await refused(t, pullWith(t, fixture, [by("first")], "plain:1"), { code: "ImageRejected", message });
  });

  await t.test(
    "an image signed by another key is rejected, and where several are asked for all must hold",
    async (t) => {
      for (const keys of [["second"], ["first", "second"]])
        await refused(t, pullWith(t, fixture, keys.map(by), "signed:1"), {
          code: "ImageRejected",
          message: /policy\.json/,
        });
    },
  );

  await t.test("a layer that was changed in the registry after the signing is refused", async (t) => {
    const [layer = ""] = image.blobs.slice(-1).map(({ digest }) => digest.slice("sha256:".length));
    const file = join(folder, "data/docker/registry/v2/blobs/sha256", layer.slice(0, 2), layer, "data");
    const content = readFileSync(file);
    const other = Buffer.from(content);
    other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
    writeFileSync(file, other);
    const { pull, images } = pullWith(t, fixture, [by("first")], "signed:1");
    await t.rejects(pull(), { code: "InvalidImage", message: new RegExp(`signed:1": .*${layer}`) });
    t.same(images.list(), []);
    writeFileSync(file, content);
  });

  await t.test("a wrong account is an account's error, and the next one is tried", async (t) => {
    const wrong = { username: "reader", password: "wrong" };
    const alone = pullWith(t, fixture, [by("first")], "signed:1", { credentials: wrong });
    await refused(t, alone, { code: "RegistryUnauthorized", message: /signed:1/ });
    const auth = Buffer.from("reader:wrong").toString("base64");
    const pullSecrets = [{ auths: { [registry.host]: { auth } } }];
    await t.resolves(pullWith(t, fixture, [by("first")], "signed:1", { pullSecrets }).pull());
  });

  await t.test("an image that is not there is not found", async (t) => {
    const { pull } = pullWith(t, fixture, [by("first")], "signed:2");
    await t.rejects(pull(), { code: "ImageNotFound", message: /signed:2/ });
  });

  await t.test("without skopeo the error says what to install", async (t) => {
    const before = process.env["PATH"];
    t.teardown(() => {
      process.env["PATH"] = before;
    });
    const attempt = pullWith(t, fixture, [by("first")], "signed:1");
    process.env["PATH"] = t.testdir({
      setpriv: t.fixture("symlink", "/usr/bin/setpriv"),
      rm: t.fixture("symlink", "/usr/bin/rm"),
    });
    await t.rejects(attempt.pull(), {
      code: "ImageRejected",
      message: /needs skopeo, which checks signatures: apt-get install skopeo/,
    });
  });
});

function makeGpgKey(gnupg: string, folder: string, name: string): void {
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", gnupg, "--batch", "--quiet", ...args], { stdio: "pipe" });
  gpg("--passphrase", "", "--quick-generate-key", `${name}@example.com`, "ed25519", "sign", "never");
  writeFileSync(join(folder, `${name}.gpg`), gpg("--export", `${name}@example.com`));
}

/** skopeo signs what is there already. */
function signByGpg({ folder, registry, repository }: SignedFixture, gnupg: string, key: string): void {
  const certificates = join(folder, "certs");
  mkdirSync(certificates);
  writeFileSync(join(certificates, "ca.crt"), readFileSync(registry.ca ?? ""));
  const account = `${PASSWORD.user}:${PASSWORD.password}`;
  const sides = ["src", "dest"].flatMap((side) => [
    ...[`--${side}-creds`, account],
    ...[`--${side}-cert-dir`, certificates],
  ]);
  const image = `docker://${repository}/signed:1`;
  const copy = ["copy", "--quiet", "--insecure-policy", ...sides, "--sign-by", `${key}@example.com`, image, image];
  execFileSync("skopeo", ["--registries.d", join(folder, "registries.d"), ...copy], {
    env: { ...process.env, GNUPGHOME: gnupg },
    stdio: "pipe",
  });
}

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
  const platform = { os: "linux", architecture: "amd64" };
  const request = { reference, folder, platform, layers: [], pull: { reference } };
  const program = `import { openRegistries } from ${JSON.stringify(source)}; await openRegistries().checkSignature(${JSON.stringify(request)});`;
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
