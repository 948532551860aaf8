// `/podrun/v1/namespaces/NS/pods/NAME/files`: files into and out of a container as tar, with nothing needed in its image.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { CopySession } from "../pod/types.ts";
import type { ApiContext } from "./context.ts";
import { chooseContainer, DEFAULTED_HEADER } from "./default-container.ts";
import { flag, sendJson, type Target } from "./request.ts";
import { toStatus } from "./status.ts";

/** The trailer of an archive: how its making ended, as percent-encoded JSON. */
export const OUTCOME_TRAILER = "podrun-outcome";
/** Trailers count as headers, of which Node takes 16 KiB. */
const TRAILER_BYTES = 8 * 1024;
/** `typeflag` of a tar header. */
const TYPE_AT = 156;
const TYPES: Readonly<Record<string, "file" | "folder">> = { "0": "file", "5": "folder" };

interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** GET with `path`: an archive of it; with `look=1` what it is. POST: unpacks the body, whose names are paths of the container. */
export async function serveFiles(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  place: Place,
): Promise<boolean> {
  const { namespace, name } = place;
  if (target.method !== "GET" && target.method !== "POST") return false;
  const path = target.query.get("path") ?? "";
  if (target.method === "GET" && (path === "" || path.includes("\0")))
    throw new PodrunError("BadRequest", "files without a path: want ?path=/…");
  const { container, defaulted } = chooseContainer(context.pods, namespace, name, target.query.get("container"));
  if (defaulted !== undefined) response.setHeader(DEFAULTED_HEADER, defaulted);
  const looks = target.method === "GET" && flag(target.query, "look");
  const copy = target.method === "POST" ? ({ verb: "in" } as const) : ({ verb: looks ? "look" : "out", path } as const);
  const session = await context.pods.copy(namespace, name, container, copy);
  response.on("close", () => session.close());
  if (looks) await look(session, response);
  else if (copy.verb === "in") await receive(session, request, response);
  else await send(session, response);
  return true;
}

async function look(session: CopySession, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  session.onStdout = (data) => chunks.push(data);
  const { path, user } = session;
  try {
    await session.done;
  } catch (error) {
    if (!(error instanceof PodrunError) || error.code !== "NotFound") throw error;
    sendJson(response, 200, { path, type: "missing", ...user });
    return;
  }
  const flagByte = Buffer.concat(chunks).toString("latin1", TYPE_AT, TYPE_AT + 1);
  sendJson(response, 200, { path, type: TYPES[flagByte] ?? "other", ...user });
}

/** What goes wrong before the first byte has a Status of its own; later the trailer says it. */
async function send(session: CopySession, response: ServerResponse): Promise<void> {
  const begin = (): void => {
    if (!response.headersSent)
      response.writeHead(200, { "content-type": "application/x-tar", trailer: OUTCOME_TRAILER });
  };
  session.onStdout = (data) => {
    begin();
    if (!response.write(data)) session.pause();
  };
  response.on("drain", () => session.resume());
  try {
    const { skipped } = await session.done;
    begin();
    end(response, { skipped });
  } catch (error) {
    if (!response.headersSent) throw error;
    end(response, { skipped: [], status: toStatus(error) });
  }
}

function end(
  response: ServerResponse,
  outcome: { readonly skipped: readonly object[]; readonly status?: object },
): void {
  let { skipped } = outcome;
  const encode = (): string => encodeURIComponent(JSON.stringify({ ...outcome, skipped }));
  while (encode().length > TRAILER_BYTES && skipped.length > 0) skipped = skipped.slice(0, skipped.length >> 1);
  response.addTrailers({ [OUTCOME_TRAILER]: encode() });
  response.end();
}

/** The body is read to its end even when the container wants no more of it: else the client would learn of a broken connection only. */
async function receive(session: CopySession, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let isOver = false;
  const over = session.done.then(
    () => undefined,
    () => {
      isOver = true;
    },
  );
  try {
    for await (const chunk of request as AsyncIterable<Buffer>)
      if (!isOver) await Promise.race([session.write(chunk), over]);
    session.endStdin();
  } catch (error) {
    // The client has gone: half an archive must not look whole.
    session.close();
    throw error;
  }
  const { files, bytes } = await session.done;
  sendJson(response, 200, { files, bytes });
}
