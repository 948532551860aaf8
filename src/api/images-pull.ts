// `POST …/images/pull`: one line of JSON for each thing that happens, the last one is the image or the error.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { Credentials, ImageService, PulledImage, PullProgress, PullRequest } from "../image/types.ts";
import { absolutePath, readFields, required } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { readJson } from "./request.ts";
import { toStatus } from "./status.ts";

/** A client that reads nothing while this many bytes wait for it hears no more of bytes that come, only of what changes. */
const UNREAD_LIMIT = 64 * 1024;

const POLICIES = ["always", "missing", "never"] as const;
type Policy = (typeof POLICIES)[number];

/** The client going away cancels the pull (that others may share: those go on). */
export async function pullImage(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { policy, ...pull } = readPullRequest(await readJson(request));
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, context.closing]);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
  const send = (line: object): void => void response.write(`${JSON.stringify(line)}\n`);
  const onProgress = makeProgress(response, send);
  try {
    const image = await pullByPolicy(context.images, { ...pull, signal, onProgress }, policy);
    send({ type: "done", image });
  } catch (error) {
    send({ type: "error", status: toStatus(error, { kind: "images", name: pull.reference }) });
  }
  response.end();
}

function makeProgress(response: ServerResponse, send: (line: object) => void): (progress: PullProgress) => void {
  const states = new Map<string, string>();
  return (progress) => {
    const isNews = progress.type !== "layer" || states.get(progress.digest) !== progress.state;
    if (progress.type === "layer") states.set(progress.digest, progress.state);
    if (isNews || response.writableLength < UNREAD_LIMIT) send(progress);
  };
}

async function pullByPolicy(images: ImageService, pull: PullRequest, policy: Policy): Promise<PulledImage> {
  if (policy === "always") return images.pull(pull);
  const { reference, platform } = pull;
  try {
    const found = await images.inspect(reference);
    const isWanted = platform === undefined || samePlatform(platform, found.Os, found.Architecture);
    if (isWanted) {
      const digest = found.RepoDigests[0]?.split("@")[1] ?? "";
      return { id: found.Id, reference, digest, unchanged: true, size: found.Size };
    }
  } catch (error) {
    if (!(error instanceof PodrunError) || error.code !== "ImageNotFound") throw error;
  }
  if (policy === "missing") return images.pull(pull);
  const which = platform === undefined ? "" : ` for ${platform}`;
  throw new PodrunError(
    "ImageNotFound",
    `image "${reference}"${which} is not here, and the policy "never" forbids to pull it`,
  );
}

function samePlatform(wanted: string, os: string, architecture: string): boolean {
  const [wantedOs, wantedArchitecture] = wanted.split("/");
  return wantedOs === os && wantedArchitecture === architecture;
}

function readPullRequest(body: unknown): PullRequest & { readonly policy: Policy } {
  const fields = readFields(body, {
    reference: "string",
    platform: "string",
    credentials: "object",
    tlsVerify: "boolean",
    authFile: "string",
    policy: "string",
  });
  const { policy = "always", credentials, platform, tlsVerify } = fields;
  const known = POLICIES.find((one) => one === policy);
  if (known === undefined)
    throw new PodrunError("BadRequest", `policy is "${policy}": want one of ${POLICIES.join(", ")}`);
  return {
    reference: required(fields.reference, "reference"),
    platform,
    tlsVerify,
    authFile: absolutePath(fields.authFile, "authFile"),
    credentials: credentials === undefined ? undefined : readCredentials(credentials),
    policy: known,
  };
}

function readCredentials(body: unknown): Credentials {
  const fields = readFields(body, { username: "string", password: "string", identityToken: "string" }, "credentials");
  return { username: fields.username ?? "", password: fields.password ?? "", identityToken: fields.identityToken };
}
