// Images and accounts in memory, for the tests of the API and of the command line.
import { Readable } from "node:stream";
import { PodrunError } from "../../../src/base/errors.ts";
import type {
  ImageService,
  InspectedImage,
  ListedImage,
  LoginRequest,
  LoginService,
  PulledImage,
  PullRequest,
  RemovedImages,
} from "../../../src/image/types.ts";

export const hex = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const notHere = (reference: string): PodrunError =>
  new PodrunError("ImageNotFound", `image "${reference}" is not here`, { details: { image: reference } });

export const listed = (digit: string, references: readonly string[], more: Partial<ListedImage> = {}): ListedImage => ({
  id: hex(digit),
  references,
  size: 1_460_000,
  createdAt: "2026-01-02T03:04:05Z",
  importedAt: "2026-11-20T00:00:00Z",
  containers: 0,
  ...more,
});

export class FakeImages implements ImageService {
  images: readonly ListedImage[] = [];
  labels: Readonly<Record<string, string>> = {};
  readonly pulls: PullRequest[] = [];
  readonly calls: unknown[][] = [];
  /** What a pull does; else it is done at once. */
  onPull: (request: PullRequest) => Promise<PulledImage> = async ({ reference }) => ({
    id: hex("a"),
    reference: `docker.io/library/${reference}:latest`,
    digest: hex("b"),
    unchanged: false,
    size: 7,
  });
  onRemove: (reference: string, force: boolean) => RemovedImages = (reference) => {
    throw notHere(reference);
  };
  removed: RemovedImages = { untagged: [], deleted: [], reclaimedBytes: 0 };
  onLoad: (source: Readable) => Promise<readonly string[]> = async (source) => [
    `docker.io/library/bytes:${Buffer.concat(await source.toArray()).length}`,
  ];
  onSave: (references: readonly string[]) => Readable = () => Readable.from([Buffer.from("archive")]);

  async resolve(reference: string): Promise<never> {
    throw notHere(reference);
  }
  async hold(reference: string): Promise<never> {
    throw notHere(reference);
  }
  pull(request: PullRequest): Promise<PulledImage> {
    this.pulls.push(request);
    return this.onPull(request);
  }
  list(): readonly ListedImage[] {
    return this.images;
  }
  async inspect(reference: string): Promise<InspectedImage> {
    const image = this.images.find(({ id, references }) => id === reference || references.includes(reference));
    if (image === undefined) throw notHere(reference);
    return {
      Id: image.id,
      RepoTags: image.references.filter((name) => !name.includes("@")),
      RepoDigests: image.references.filter((name) => name.includes("@")),
      Architecture: "amd64",
      Os: "linux",
      Size: image.size,
      Config: { Env: ["A=1"] },
      RootFS: { Type: "layers", Layers: [] },
      History: [],
      LayerSizes: [],
      Labels: this.labels,
    };
  }
  async load(source: string | NodeJS.ReadableStream, options: { name?: string } = {}): Promise<readonly string[]> {
    this.calls.push(["load", options.name]);
    return this.onLoad(source as Readable);
  }
  async save(references: readonly string[]): Promise<NodeJS.ReadableStream> {
    this.calls.push(["save", ...references]);
    return this.onSave(references);
  }
  async importRootfs(
    source: NodeJS.ReadableStream,
    {
      reference,
      changes,
      message,
    }: { reference?: string | undefined; changes?: readonly string[]; message?: string | undefined },
  ): Promise<string> {
    const { length } = Buffer.concat(await (source as Readable).toArray());
    this.calls.push(["import", length, reference, changes, message]);
    return hex("c");
  }
  async tag(source: string, target: string): Promise<void> {
    this.calls.push(["tag", source, target]);
  }
  async remove(reference: string, options: { force?: boolean } = {}): Promise<RemovedImages> {
    this.calls.push(["remove", reference, options.force]);
    return this.onRemove(reference, options.force === true);
  }
  async prune(options: { all?: boolean; before?: number | undefined; dryRun?: boolean } = {}): Promise<RemovedImages> {
    this.calls.push(["prune", options]);
    return this.removed;
  }
}

export class FakeLogins implements LoginService {
  readonly users = new Map<string, string>();
  readonly requests: LoginRequest[] = [];
  readonly files: (string | undefined)[] = [];

  async login(request: LoginRequest): Promise<{ file: string }> {
    this.requests.push(request);
    if (request.password === "wrong")
      throw new PodrunError("RegistryUnauthorized", `${request.registry} does not know this user and password`);
    this.users.set(request.registry, request.username);
    return { file: request.authFile ?? "/run/auth.json" };
  }
  async logout(request: { registry?: string | undefined; authFile?: string | undefined }): Promise<{ file: string }> {
    this.files.push(request.authFile);
    if (request.registry !== undefined && !this.users.delete(request.registry))
      throw new PodrunError("NotFound", `nobody is logged in at ${request.registry}`);
    return { file: "/run/auth.json" };
  }
  async loggedIn(registry: string): Promise<string | undefined> {
    return this.users.get(registry);
  }
}
