// Pulls under a policy.json that wants signatures, from a real registry, without a daemon.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import type { PullProgress, PullRequest } from "../../../src/image/types.ts";
import { openImages } from "./image-service.ts";
import { type BuiltImage, pushImage } from "./push.ts";
import { type Registry, registryEnv, startRegistry } from "./registry.ts";

/** Of the registry. */
export const PASSWORD = { user: "reader", password: "of books" };
const LAYERS = ["lower", "upper"].map((name) => [{ name, content: name.repeat(10_000) }]);

export interface SignedFixture {
  readonly registry: Registry;
  readonly folder: string;
  readonly repository: string;
  readonly image: BuiltImage;
}

export type Requirement = Readonly<Record<string, unknown>>;

/** A registry with TLS and a password; keys, signature stores and the registry's data lie in the folder. */
export async function prepareSigned(test: Test, stores: (folder: string) => object): Promise<SignedFixture> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-signed-"));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const registry = await startRegistry(test, { tls: true, password: PASSWORD, data: join(folder, "data") });
  mkdirSync(join(folder, "registries.d"));
  writeFileSync(
    join(folder, "registries.d/test.yaml"),
    JSON.stringify({ docker: { [registry.host]: stores(folder) } }),
  );
  // Of Docker's kind: an OCI layout can't hold its manifest as it is.
  const image = await pushImage(registry, { name: "team/signed:1", layers: LAYERS, format: "docker" });
  await pushImage(registry, { name: "team/plain:1", layers: LAYERS, format: "docker" });
  return { registry, folder, repository: `${registry.host}/team`, image };
}

/** One pull by images of their own, with a policy of these requirements for the repository. */
export function pullWith(
  test: Test,
  { registry, folder, repository }: SignedFixture,
  requirements: readonly Requirement[],
  name: string,
  more: Partial<PullRequest> = {},
) {
  const policy = { default: [{ type: "reject" }], transports: { docker: { [repository]: requirements } } };
  const env = registryEnv(test, [registry], { policy, loggedIn: [registry] });
  const opened = openImages(test, { ...env, PODRUN_REGISTRIES_D: join(folder, "registries.d") });
  const told: PullProgress[] = [];
  const reference = `${repository}/${name}`;
  const pull = () => opened.images.pull({ reference, onProgress: (one) => told.push(one), ...more });
  return { ...opened, told, pull, reference };
}

/** What a pull that was refused must look like. */
export async function refused(
  t: Test,
  { pull, images, left, told }: ReturnType<typeof pullWith>,
  error: { code: string; message: RegExp },
) {
  await t.rejects(pull(), error);
  t.same(images.list(), [], "there is no image");
  t.same(left(), [], "and nothing half made");
  t.notOk(
    told.some(({ type }) => type === "layer"),
    "no layer was fetched",
  );
}
