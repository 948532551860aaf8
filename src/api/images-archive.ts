// Images as archives, streamed: load and import read one, save writes one.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { required } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { sendJson, type Target } from "./request.ts";

export async function loadImages(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> {
  const name = target.query.get("name") ?? "";
  const signal = AbortSignal.any([goneSignal(response), context.closing]);
  const references = await withBody(request, (body) =>
    context.images.load(body, { signal, ...(name === "" ? {} : { name }) }),
  );
  sendJson(response, 200, { references });
}

export async function importImage(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> {
  const { query } = target;
  const options = {
    reference: query.get("reference") || undefined,
    changes: query.getAll("change"),
    message: query.get("message") || undefined,
    signal: AbortSignal.any([goneSignal(response), context.closing]),
  };
  const id = await withBody(request, (body) => context.images.importRootfs(body, options));
  sendJson(response, 200, { id });
}

/** What goes wrong in the middle cuts the connection: a half archive must not look whole. */
export async function saveImages(context: ApiContext, response: ServerResponse, target: Target): Promise<void> {
  const references = target.query.getAll("reference").filter((reference) => reference !== "");
  required(references[0], "query parameter reference");
  const signal = AbortSignal.any([goneSignal(response), context.closing]);
  const archive = await context.images.save(references, { signal });
  response.setHeader("content-type", "application/x-tar");
  await pipeline(archive, response, { signal });
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  return gone.signal;
}

/**
 * The request's body as a stream that may be left or destroyed before its end: destroying the request itself would break the
 * connection, on which the answer must still go out. What nobody reads is passed over then, for a client may first send
 * everything and then look at the answer.
 */
async function withBody<T>(request: IncomingMessage, use: (body: Readable) => Promise<T>): Promise<T> {
  const body = new Readable({ read: () => void request.resume() });
  const onData = (chunk: Buffer): void => void (body.push(chunk) || request.pause());
  const onError = (error: Error): void => void body.destroy(error);
  request.on("data", onData).on("error", onError);
  request.on("end", () => body.push(null));
  // Its reader is told; without one (it has its own error already) this must not end the daemon.
  body.on("error", () => undefined);
  try {
    return await use(body);
  } finally {
    request.off("data", onData);
    body.destroy();
    request.resume();
  }
}
