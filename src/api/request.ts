// One request, taken apart: its path, its query, its body; and the few ways in which it is answered.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { kindOfPlural } from "../spec/kinds.ts";
import { type Status, toStatus } from "./status.ts";

/** A pod manifest is text by people; the API server's own limit for a request is 3 MiB as well. */
const BODY_LIMIT = 3 * 1024 * 1024;

export interface Target {
  readonly method: string;
  /** Decoded path segments: `/api/v1/pods` is `["api", "v1", "pods"]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Takes the request line apart. Throws BadRequest for a path that is not percent-encoded properly. */
export function parseTarget(request: IncomingMessage): Target {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const pathText = mark === -1 ? url : url.slice(0, mark);
  try {
    const path = pathText.split("/").slice(1).map(decodeURIComponent);
    if (path.at(-1) === "") path.pop();
    return {
      method: request.method ?? "GET",
      path,
      query: new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1)),
    };
  } catch (cause) {
    throw new PodrunError("BadRequest", `the path "${pathText}" is not properly percent-encoded`, { cause });
  }
}

/** A boolean query parameter as Kubernetes reads it: absent, `0` and `false` are false; `1`, `true` and an empty value true. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === "0" || text === "false") return false;
  if (text === "" || text === "1" || text === "true") return true;
  throw new PodrunError("BadRequest", `query parameter ${name} is "${text}": want 1, true, 0 or false`);
}

/** A whole number >= 0, or undefined when absent. Throws BadRequest. */
export function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new PodrunError("BadRequest", `query parameter ${name} is "${text}": want a whole number, 0 or more`);
  return Number(text);
}

/** `dryRun=All`. Throws BadRequest for another value. */
export function isDryRun(query: URLSearchParams): boolean {
  const value = query.get("dryRun");
  if (value === null || value === "") return false;
  if (value === "All") return true;
  throw new PodrunError("BadRequest", `query parameter dryRun is "${value}": want All`);
}

/** The body's JSON. Throws BadRequest: empty, too long, not JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new PodrunError("BadRequest", `the request's body is over ${BODY_LIMIT} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") throw new PodrunError("BadRequest", "the request has no body: want a JSON object");
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // V8 quotes some of the text, which may be a Secret's.
    const message = (cause as Error).message.replace(/,? *(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, "");
    throw new PodrunError("BadRequest", `the request's body is not JSON: ${message}`);
  }
}

export function sendJson(response: ServerResponse, code: number, value: unknown): void {
  sendJsonText(response, code, JSON.stringify(value));
}

export function sendJsonText(response: ServerResponse, code: number, body: string | Buffer): void {
  response.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

export function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** Answers with the error's Status. When the answer has begun already it is cut off: a half answer must not look whole. */
export function sendError(response: ServerResponse, error: unknown, target?: Target): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = toStatus(error, subjectOf(target));
  sendJson(response, status.code, status);
}

export function sendStatus(response: ServerResponse, status: Status & { readonly code: number }): void {
  sendJson(response, status.code, status);
}

/** `…/pods/NAME` names its subject. */
function subjectOf(target: Target | undefined): { kind?: string; name?: string } {
  const path = target?.path ?? [];
  // What is in a namespace, not the namespace.
  const at =
    path[2] === "namespaces" && path.length > 4 ? 4 : path.findIndex((part) => kindOfPlural(part) !== undefined);
  const [kind, name] = kindOfPlural(path[at]) === undefined ? [] : path.slice(at, at + 2);
  return kind === undefined ? {} : { kind, ...(name === undefined ? {} : { name }) };
}
