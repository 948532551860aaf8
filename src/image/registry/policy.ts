// Whether an image may come at all: policy.json, containers-policy.json(5).
import { PodrunError } from "../../base/errors.ts";
import { cachedReader, fileError } from "./config-file.ts";
import { type Place, policyPlace } from "./place.ts";
import { type Judgement, type ParsedPolicy, parsePolicy } from "./policy-requirements.ts";
import type { EndpointRequest, SignaturePolicy } from "./types.ts";

/** Without any policy.json every image is accepted (docs/registries.md): podman's package brings one that says just that. */
const ACCEPT_ALL: SignaturePolicy = { judge: () => ({ kind: "accept" }) };

export function createPolicyReader(place: Place): () => Promise<SignaturePolicy> {
  const read = cachedReader("ImageRejected", parsePolicy);
  return async () => {
    const { file, required } = policyPlace(place);
    const policy = await read(file);
    if (policy !== undefined) return { judge: (reference) => judge(policy, reference) };
    if (required) throw fileError("ImageRejected", file, "there is no such file, and the environment names it");
    return ACCEPT_ALL;
  };
}

function judge(policy: ParsedPolicy, reference: EndpointRequest): ReturnType<SignaturePolicy["judge"]> {
  const { scope, judgement } = findScope(policy, reference);
  if (judgement === "accept") return { kind: "accept" };
  if (judgement === "signed") return { kind: "signed", file: policy.file, scope };
  if (judgement !== "reject") return { kind: "signed", file: policy.file, scope, sigstore: judgement };
  const [image = ""] = policyScopes(reference);
  throw new PodrunError("ImageRejected", `image "${image}": ${policy.file} rejects it (${scope}: "reject")`, {
    details: { image, file: policy.file, scope },
  });
}

/** Only the most specific scope counts; those above it say nothing any more. */
function findScope(policy: ParsedPolicy, reference: EndpointRequest): { scope: string; judgement: Judgement } {
  for (const scope of policyScopes(reference)) {
    const judgement = policy.docker.get(scope);
    if (judgement !== undefined) return { scope: `transports.docker["${scope}"]`, judgement };
  }
  return { scope: "default", judgement: policy.default };
}

/**
 * The scopes of an image, most specific first: the name with tag or digest (with both, the digest), the repository, those
 * above it, the host with its port, `*.` and the domains above the host, and `""`, the transport's default.
 */
export function policyScopes({ domain, path, tag, digest }: EndpointRequest): readonly string[] {
  const repository = `${domain}/${path}`;
  const parts = repository.split("/");
  const parents = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  const labels = domain.replace(/:\d+$/, "").split(".");
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
  const full = digest !== undefined ? `${repository}@${digest}` : `${repository}:${tag ?? "latest"}`;
  return [full, ...parents, ...wildcards, ""];
}
