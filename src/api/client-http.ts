// One request to the daemon over its unix socket, for the clients of all resources.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Config } from "../base/config.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { type ConnectOptions, connectDaemon } from "./connect.ts";
import { ApiError, parseStatus } from "./status.ts";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

type Headers = Readonly<Record<string, string>>;

export interface StreamOptions {
  readonly method?: "GET" | "POST";
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly onAnswer?: (response: IncomingMessage) => void;
}

/** A daemon that died while it was being written to, or before it answered. */
const BREAKS: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/** Every method throws ApiError for what the server refused, and what `connectDaemon` throws. */
export class HttpClient {
  readonly #config: Config;
  readonly #options: ConnectOptions;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#config = config;
    this.#options = options;
  }

  /** `type`: the body's content type, where the method does not say it. */
  async json<T>(method: string, path: string, query: Query = {}, body?: unknown, type?: string): Promise<T> {
    const headers = type === undefined ? {} : { "content-type": type };
    return parseAnswer(await this.#send(method, path + queryText(query), body, headers));
  }

  /** A list as a Table of rows, from a server that makes them. */
  async table<T>(path: string, query: Query): Promise<T> {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    return parseAnswer(await this.#send("GET", path + queryText(query), undefined, { accept }));
  }

  async *stream(path: string, options: StreamOptions = {}): AsyncGenerator<Buffer> {
    const { method = "GET", query = {}, body, signal, onAnswer } = options;
    const response = await this.#send(method, path + queryText(query), body);
    if (!isSuccess(response)) throw new ApiError(parseStatus(response.statusCode ?? 0, await readAll(response)));
    onAnswer?.(response);
    const onAbort = (): void => void response.destroy();
    signal?.addEventListener("abort", onAbort);
    try {
      if (signal?.aborted !== true) yield* response as AsyncIterable<Buffer>;
    } catch (cause) {
      if (signal?.aborted !== true) throw broken(cause);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      response.destroy();
    }
  }

  /** The objects of an answer that has one a line. */
  async *lines<T>(path: string, options: StreamOptions = {}): AsyncGenerator<T> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.stream(path, options)) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as T;
    }
  }

  /**
   * Sends `source` as the body, however long it is. The daemon may answer before it has all of it: then nothing more is sent.
   * What is wrong with the source is thrown as it is.
   */
  async upload<T>(path: string, query: Query, source: NodeJS.ReadableStream): Promise<T> {
    const socket = await connectDaemon(this.#config, this.#options);
    const headers = { host: "podrun", "content-type": "application/octet-stream" };
    const request = httpRequest({
      method: "POST",
      path: path + queryText(query),
      headers,
      createConnection: () => socket,
    });
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on("response", resolve);
        request.on("error", (cause) => reject(broken(cause)));
        source.on("error", reject);
        source.pipe(request);
      });
      return await parseAnswer<T>(response);
    } finally {
      source.unpipe(request);
      request.on("error", () => undefined);
      request.destroy();
    }
  }

  /**
   * A daemon that was killed this moment still takes connections and then breaks them. Reading again does no harm: one more
   * try finds the next daemon. What changes something is not sent twice.
   */
  async #send(method: string, path: string, body: unknown, more: Headers = {}): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(method, path, body, more);
    } catch (error) {
      const isBroken = error instanceof PodrunError && BREAKS.has(errnoOf(error.cause) ?? "");
      if (method !== "GET" || !isBroken) throw error;
      return this.#sendOnce(method, path, body, more);
    }
  }

  /** One connection a request: a unix socket's costs 0.1 ms, and an idle one would keep the daemon from leaving. */
  async #sendOnce(method: string, path: string, body: unknown, more: Headers): Promise<IncomingMessage> {
    const socket = await connectDaemon(this.#config, this.#options);
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const content = payload === undefined ? {} : contentHeaders(method, payload);
      const headers = { host: "podrun", ...content, ...more };
      const request: ClientRequest = httpRequest({ method, path, headers, createConnection: () => socket });
      request.on("response", resolve);
      request.on("error", (cause) => reject(broken(cause)));
      request.end(payload);
    });
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value) parameters.append(name, String(one));
    else if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

const contentHeaders = (method: string, payload: Buffer): Record<string, string | number> => ({
  "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
  "content-length": payload.length,
});

const isSuccess = (response: IncomingMessage): boolean => Math.floor((response.statusCode ?? 0) / 100) === 2;

async function parseAnswer<T>(response: IncomingMessage): Promise<T> {
  const text = await readAll(response);
  if (isSuccess(response)) return JSON.parse(text) as T;
  throw new ApiError(parseStatus(response.statusCode ?? 0, text));
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (cause) {
    throw broken(cause);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function broken(cause: unknown): PodrunError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PodrunError("DaemonUnreachable", `the connection to the podrun daemon broke: ${text}`, { cause });
}
