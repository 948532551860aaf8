import { PodrunError } from "../../../src/base/errors.ts";
import type { InspectedImage, PulledImage, PullRequest } from "../../../src/image/types.ts";
import type { ImageSource } from "../../../src/pod/node.ts";
import type { RuntimeImage } from "../../../src/sandbox/types.ts";

/** Images without a disk or a registry: what is here, what a pull would bring, and when it comes. */
export class FakeImages implements ImageSource {
  /** What is here, by the name that pods use. */
  readonly here: Map<string, RuntimeImage>;
  /** What the registry has. */
  readonly registry = new Map<string, RuntimeImage>();
  readonly pulls: PullRequest[] = [];
  /** Names of images that are held now, once for each hold. */
  readonly held: string[] = [];
  /** What RepoDigests of an image are, by its id. */
  readonly digests = new Map<string, readonly string[]>();
  /** Called before a pull is answered; a test throws from it, or waits in it. */
  before: (request: PullRequest) => void | Promise<void> = () => undefined;

  constructor(here: Map<string, RuntimeImage>) {
    this.here = here;
  }

  async resolve(reference: string): Promise<RuntimeImage> {
    const image = this.here.get(reference);
    if (image) return image;
    throw new PodrunError("ImageNotFound", `image "${reference}" is not here`);
  }

  async hold(reference: string) {
    const image = await this.resolve(reference);
    this.held.push(reference);
    return { image, release: () => void this.held.splice(this.held.indexOf(reference), 1) };
  }

  async pull(request: PullRequest): Promise<PulledImage> {
    this.pulls.push(request);
    const cancelled = new Promise<never>((_, reject) => {
      request.signal?.addEventListener("abort", () => reject(new PodrunError("Cancelled", "nobody wants it")));
    });
    await Promise.race([this.before(request), cancelled]);
    const { reference } = request;
    const image = this.registry.get(reference);
    if (!image) throw new PodrunError("RegistryUnreachable", `no answer for ${reference}`);
    const unchanged = this.here.get(reference) === image;
    this.here.set(reference, image);
    return { id: image.id, reference, digest: "sha256:of-manifest", unchanged, size: 1234 };
  }

  async inspect(id: string): Promise<InspectedImage> {
    return { Id: id, RepoDigests: this.digests.get(id) ?? [] } as unknown as InspectedImage;
  }
}
