import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as requestTls } from "node:https";
import { goError, joinHostPort, MOST_OUTPUT, type Outcome } from "./outcome.ts";

export interface HttpTarget {
  readonly scheme: "HTTP" | "HTTPS";
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** As many as Go's client follows. */
const MOST_REDIRECTS = 10;

/** As many answers that only announce the real one (1xx) as Go's client takes. */
const MOST_INFORMATION = 5;

/** The connection ended before the answer did. */
class CutShort extends Error {}

/**
 * One GET, as the kubelet's prober does it: no certificate is verified, no connection is kept, redirects are followed on
 * the same host only. 200–399 is a success, a redirect to another host a warning. The signal ends the attempt: too late.
 */
export async function httpGet(target: HttpTarget, signal: AbortSignal): Promise<Outcome> {
  let url = new URL(`${target.scheme.toLowerCase()}://${joinHostPort(target.host, target.port)}`);
  // Not through the constructor: a path of "//x" would name another host.
  const first = /^([^?#]*)(\?[^#]*)?/.exec(target.path);
  url.pathname = first?.[1] ?? "/";
  url.search = first?.[2] ?? "";
  const start = url;
  try {
    for (let count = 0; ; count++) {
      const { status, location, body } = await get(url, target.headers, signal);
      const next = location === undefined || status < 300 || status > 399 ? undefined : parseUrl(location, url);
      if (next === undefined) return verdict(status, body);
      if (next.hostname !== start.hostname)
        return { result: "warning", message: `Probe terminated redirects, Response body: ${body}` };
      if (count + 1 >= MOST_REDIRECTS) return failure(url, `stopped after ${MOST_REDIRECTS} redirects`);
      url = next;
    }
  } catch (error) {
    // The kubelet takes no verdict from half an answer.
    if (error instanceof CutShort) return { result: "unknown", message: "unexpected EOF" };
    const why = signal.aborted
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : `dial tcp ${joinHostPort(target.host, target.port)}: ${goError(error)}`;
    return failure(url, why);
  }
}

function verdict(status: number, body: string): Outcome {
  if (status >= 200 && status < 400) return { result: "success", message: body, status };
  return { result: "failure", message: `HTTP probe failed with statuscode: ${status}`, status };
}

const failure = (url: URL, why: string): Outcome => ({ result: "failure", message: `Get "${url.href}": ${why}` });

function parseUrl(location: string, base: URL): URL | undefined {
  const url = URL.parse(location, base.href);
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function get(url: URL, headers: HttpTarget["headers"], signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Whatever a server does, the attempt ends here: a connection that is gone already tells nobody of its destruction.
    const settle = (how: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      sent.destroy();
      how();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const done = (answer: Answer): void => settle(() => resolve(answer));
    const onAbort = (): void => fail(new Error("aborted"));
    const sent = send(url, headers).on("error", fail);
    sent.on("response", (response) => readBody(response, done, fail));
    sent.on("upgrade", ({ statusCode: status = 0 }) => done({ status, location: undefined, body: "" }));
    let announced = 0;
    sent.on("information", () => {
      if (++announced > MOST_INFORMATION) fail(new Error("net/http: too many 1xx informational responses"));
    });
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    sent.end();
  });
}

function send(url: URL, headers: HttpTarget["headers"]): ClientRequest {
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port || (url.protocol === "https:" ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    agent: false,
    // A request of ours must not be taken for a longer one by what it passes.
    insecureHTTPParser: false,
    headers: { "user-agent": "kube-probe/1.34", accept: "*/*", connection: "close", ...headerMap(headers) },
  };
  return url.protocol === "https:" ? requestTls({ ...options, rejectUnauthorized: false }) : request(options);
}

/** Names are one whatever their case; one that is there twice is sent twice. An empty value takes a default away. */
function headerMap(headers: HttpTarget["headers"]): Record<string, string | string[]> {
  const map: Record<string, string[]> = {};
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    map[key] = [...(map[key] ?? []), value];
  }
  return Object.fromEntries(
    Object.entries(map).map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
  );
}

/** Whoever answers may send without end: no more than is kept is read. */
function readBody(response: IncomingMessage, done: (answer: Answer) => void, fail: (error: Error) => void): void {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  const end = (): void =>
    done({ status, location: headers.location, body: Buffer.concat(chunks).toString("utf8", 0, MOST_OUTPUT) });
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MOST_OUTPUT) end();
  });
  response.on("end", end);
  response.on("error", () => fail(new CutShort()));
}
