import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { checkSigstore } from "./check-sigstore.ts";
import type { ChosenImage } from "./choose.ts";
import type { ImageContext } from "./context.ts";
import { fetchImage } from "./fetch-image.ts";
import { findHere, locateImage } from "./locate.ts";
import { parsePlatform } from "./platform.ts";
import type { PullWork } from "./pull-flights.ts";
import { nameOf, type Reference } from "./reference.ts";
import type { Endpoint, PolicyVerdict } from "./registry/types.ts";
import type { PulledImage } from "./types.ts";

interface SignedPull {
  readonly endpoints: readonly Endpoint[];
  readonly verdict: Extract<PolicyVerdict, { readonly kind: "signed" }>;
  readonly work: PullWork;
}

/** A tag may be moved between our look and skopeo's. */
const LOOKS = 2;

/** An image's signature is checked each time: that its name means what is here already would not say who has signed it. */
export async function pullSigned(
  context: ImageContext,
  reference: Reference,
  { endpoints, verdict, work }: SignedPull,
): Promise<PulledImage> {
  const { file, scope, sigstore } = verdict;
  const platform = parsePlatform(work.request.platform);
  for (let look = 1; look <= LOOKS; look++) {
    const located = await locateImage(context, { reference, endpoints, ...work, anew: true });
    if (located.kind === "here") throw new Error("it was to be looked for anew");
    work.tell({ type: "verifying", file, scope });
    const { chosen, clients } = located;
    if (sigstore !== undefined) {
      const image = { reference, manifestDigest: chosen.manifestDigest };
      await checkSigstore(context, { verdict, image, client: clients[0], signal: work.signal });
    } else if ((await askSkopeo(context, reference, chosen, work)) !== chosen.id) continue;
    step("image.verified");
    return findHere(context, reference, located.digest, platform) ?? fetchImage(context, reference, located, work);
  }
  const { reference: image } = work.request;
  throw new PodrunError(
    "ImageRejected",
    `image "${image}": ${file} (${scope}) asks for a signature, and skopeo, which checks it, was given another image than podrun, ${LOOKS} times; pull again when nobody pushes it`,
    { details: { image, file, scope } },
  );
}

/** The config's digest of the image that skopeo found signed. */
function askSkopeo(
  context: ImageContext,
  reference: Reference,
  chosen: ChosenImage,
  { request, signal }: PullWork,
): Promise<string> {
  const platform = parsePlatform(request.platform);
  const layers = chosen.layers.map(({ blob }) => blob.digest);
  return context.folders.withTemporary((folder) =>
    context.registry.checkSignature({ reference: nameOf(reference), folder, platform, layers, pull: request, signal }),
  );
}
