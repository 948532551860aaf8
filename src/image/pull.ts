import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import type { ImageContext } from "./context.ts";
import { fetchImage } from "./fetch-image.ts";
import { locateImage } from "./locate.ts";
import { parsePlatform } from "./platform.ts";
import type { PullWork } from "./pull-flights.ts";
import { pullSigned } from "./pull-signed.ts";
import { nameOf, parseReference } from "./reference.ts";
import type { PulledImage, PullRequest } from "./types.ts";

/** What makes two pulls the same. */
export function pullKey(request: PullRequest): string {
  const { credentials, pullSecrets, authFile, tlsVerify, platform } = request;
  const means = [parsePlatform(platform), credentials, pullSecrets, authFile, tlsVerify];
  return JSON.stringify([nameOf(parseReference(request.reference)), ...means]);
}

/** Pulls an image: see ImageService.pull. */
export async function pullImage(context: ImageContext, work: PullWork): Promise<PulledImage> {
  const reference = parseReference(work.request.reference);
  const { files } = context.registry;
  const verdict = (await files.policy()).judge(reference);
  const endpoints = (await files.registries()).endpoints(reference);
  if (verdict.kind === "signed") return pullSigned(context, reference, { endpoints, verdict, work });
  const located = await locateImage(context, { reference, endpoints, ...work });
  step("image.resolved");
  if (located.kind === "here") return located.pulled;
  return fetchImage(context, reference, located, work);
}

/** Nobody serves these names: they are made on this machine. */
export function notServed(image: string): PodrunError {
  return new PodrunError(
    "ImageNotFound",
    `image "${image}" is not here, and podrun.local/ is no registry: images of that name are made on this machine`,
    {
      details: { image },
    },
  );
}
