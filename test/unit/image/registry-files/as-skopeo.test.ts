// The same files, read by podrun and by skopeo: who is asked, and as whom. The registries are loopback servers that say no.
// One known difference: prefixes with a tag or digest, which the man page has, and skopeo never matches.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { parseReference } from "../../../../src/image/reference.ts";
import { registryFiles } from "../../../../src/image/registry/files.ts";
import { auth, type TestPlace, testPlace } from "./place.ts";

const hasSkopeo = (() => {
  try {
    return execFileSync("skopeo", ["--version"]).length > 0;
  } catch {
    return false;
  }
})();
const skip = hasSkopeo ? false : "skopeo is not installed";

interface Asked {
  readonly port: number;
  /** `PORT/REPOSITORY USER` of each manifest that was asked for; `-`: nobody. */
  readonly asked: string[];
}

/** Wants an account for everything, and has no image. */
async function startServer(t: Test, asked: string[] = []): Promise<Asked> {
  const server = createServer((request, response) => {
    const account = request.headers.authorization?.split(" ")[1];
    const repository = /^\/v2\/(.+)\/manifests\//.exec(request.url ?? "")?.[1];
    const user = account === undefined ? "-" : Buffer.from(account, "base64").toString().split(":")[0];
    if (repository !== undefined) asked.push(`${port}/${repository} ${user}`);
    response.writeHead(repository === undefined ? 401 : 404, { "www-authenticate": 'Basic realm="test"' }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { port, asked };
}

/** Whom skopeo asks, in its order; or why it does not. */
async function askSkopeo(place: TestPlace, image: string, asked: string[]): Promise<readonly string[]> {
  asked.length = 0;
  const { etc, home, env } = place;
  const options = ["--registries-conf", `${etc}/containers/registries.conf`];
  const { REGISTRY_AUTH_FILE: _, XDG_RUNTIME_DIR: __, ...inherited } = process.env;
  const stderr = await new Promise<string>((resolve) =>
    execFile(
      "skopeo",
      [...options, "inspect", `docker://${image}`],
      { env: { ...inherited, ...env, HOME: home } },
      (_error, _out, err) => resolve(err),
    ),
  );
  return /is blocked in/.test(stderr) ? ["blocked"] : [...asked];
}

/** Whom podrun would ask: each place with its first account. */
async function askPodrun(place: TestPlace, image: string): Promise<readonly string[]> {
  const files = registryFiles({ place });
  try {
    const endpoints = (await files.registries()).endpoints(parseReference(image));
    const lines = endpoints.map(async ({ host, repository }) => {
      const [account] = await files.credentials({}).find(host, repository);
      return `${host.split(":")[1]}/${repository} ${account?.username ?? "-"}`;
    });
    return await Promise.all(lines);
  } catch (error) {
    t.match(error, { code: "ImageRejected" });
    return ["blocked"];
  }
}

t.test("podrun asks the places that skopeo asks, in the same order, with the same account", { skip }, async (t) => {
  const asked: string[] = [];
  const [a, b] = [(await startServer(t, asked)).port, (await startServer(t, asked)).port];
  const [first, second] = [`localhost:${a}`, `localhost:${b}`];
  const DIGEST = `sha256:${"c".repeat(64)}`;
  const mirror = (location: string, more = "") =>
    `[[registry.mirror]]\nlocation="${location}"\ninsecure=true\n${more}\n`;
  const registry = (prefix: string, location: string, more = "") =>
    `[[registry]]\nprefix="${prefix}"\nlocation="${location}"\ninsecure=true\n${more}\n`;
  const place = testPlace(t, {
    "etc/containers/registries.conf": [
      registry("a.example", first),
      registry("a.example/team", `${second}/moved`),
      registry("*.wild.example", `${first}/wild`),
      registry("x.wild.example", `${second}/exact`),
      registry("docker.io/library", `${first}/hub`),
      registry(
        "m.example",
        `${first}/own`,
        mirror(`${second}/one`) +
          mirror(`${second}/digests`, 'pull-from-mirror="digest-only"') +
          mirror(`${second}/tags`, 'pull-from-mirror="tag-only"'),
      ),
      registry("d.example", `${first}/own2`, `mirror-by-digest-only=true\n${mirror(`${second}/two`)}`),
      registry("blocked.example", "blocked.example", "blocked=true"),
    ].join("\n"),
    "home/.docker/config.json": {
      auths: { [`http://${first}/v1/`]: auth("docker-first"), [second]: auth("docker-second") },
    },
    "home/.config/containers/auth.json": {
      auths: {
        [`${second}/moved`]: auth("moved"),
        [`${second}/moved/app/deep`]: auth("deep"),
        [`${first}/own`]: auth("own"),
      },
    },
  });
  const images = [
    ...[
      "a.example/x:1",
      "a.example/team/x:1",
      "a.example/team/app/deep:1",
      "a.example/team/app:v1",
      "a.example/team/app:v1",
      "a.example/teams/x:1",
    ],
    ...["a.wild.example/x:1", "a.b.wild.example/x/y:1", "x.wild.example/x:1", "nginx:1", "nginx"],
    ...["m.example/x:1", `m.example/x@${DIGEST}`, "d.example/x:1", `d.example/x@${DIGEST}`, "m.example/deep/er:1"],
    ...["blocked.example/x:1", "blocked.example:5000/x:1"],
  ];
  for (const image of images) t.strictSame(await askPodrun(place, image), await askSkopeo(place, image, asked), image);
});

t.test("podrun takes and refuses the policies that skopeo takes and refuses", { skip }, async (t) => {
  const accept = [{ type: "insecureAcceptAnything" }];
  const signed = { type: "signedBy", keyType: "GPGKeys", keyPath: "/key" };
  const policies: readonly (readonly [object | string, boolean])[] = [
    [{ default: accept }, true],
    [{ default: [signed], transports: { strange: { "": accept }, docker: { "": [{ type: "reject" }] } } }, true],
    [
      { default: [{ ...signed, signedIdentity: { type: "remapIdentity", prefix: "a.com", signedPrefix: "b.com/c" } }] },
      true,
    ],
    [{}, false],
    [{ default: [] }, false],
    [{ default: accept, more: 1 }, false],
    [{ default: [{ type: "reject", more: 1 }] }, false],
    [{ default: [{ type: "Reject" }] }, false],
    [{ default: [{ ...signed, keyData: "eA==" }] }, false],
    [{ default: [{ ...signed, keyType: "none" }] }, false],
    [{ default: [{ ...signed, signedIdentity: { type: "exactReference" } }] }, false],
    ['{"default": [{"type": "reject", "type": "reject"}]}', false],
    [
      '{"default": [{"type": "reject"}], "transports": {"docker": {"a": [{"type": "reject"}], "a": [{"type": "reject"}]}}}',
      false,
    ],
  ];
  for (const [policy, isValid] of policies) {
    const place = testPlace(t, {
      "etc/containers/policy.json": policy,
      "image/version": "Directory Transport Version: 1.1\n",
    });
    const taken = await registryFiles({ place })
      .policy()
      .then(
        () => true,
        () => false,
      );
    t.equal(taken, isValid, `podrun: ${JSON.stringify(policy)}`);
    const args = [
      "--policy",
      `${place.etc}/containers/policy.json`,
      "copy",
      `dir:${place.etc}/none`,
      `dir:${place.etc}/nowhere`,
    ];
    const stderr = await new Promise<string>((resolve) =>
      execFile("skopeo", args, (_error, _out, err) => resolve(err)),
    );
    t.equal(!/Error loading trust policy/.test(stderr), isValid, `skopeo: ${JSON.stringify(policy)}: ${stderr}`);
  }
});
