import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { VERSION } from "../../base/version.ts";
import { agentFor, type Pool } from "./agents.ts";
import { RegistryFailure, sortError } from "./failure.ts";
import type { TransferSettings } from "./settings.ts";
import type { TlsFiles } from "./types.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Goes to the origin of `url` and to no other, wherever it redirects to. */
  readonly authorization?: string | undefined;
  readonly body?: string;
  readonly pool?: Pool | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from in the end. */
  readonly url: URL;
  /** It came from another origin than was asked. */
  readonly foreign: boolean;
  /** To be read to its end, or destroyed: it holds a connection. */
  readonly body: IncomingMessage;
}

export interface HttpOptions {
  /** The host whose TLS files these are: its client certificate is shown to nobody else. */
  readonly host: string;
  readonly tls: TlsFiles;
  readonly insecure: boolean;
  readonly settings: TransferSettings;
}

const REDIRECTS = 10;
const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);
/** A body that is not wanted is read when that costs less than a new connection. */
const WORTH_READING = 16 << 10;

/** Requests over HTTP(S), redirects followed. Throws RegistryFailure; an abort is one of kind "cut". */
export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const origin = request.url.origin;
    let { url, authorization } = request;
    for (let hops = 0; ; hops++) {
      const body = await this.#exchange({ ...request, url, authorization });
      const status = body.statusCode ?? 0;
      const { location } = body.headers;
      if (!REDIRECT_STATUS.has(status) || location === undefined || request.method === "POST") {
        return { status, headers: body.headers, url, foreign: url.origin !== origin, body };
      }
      discard(body);
      if (hops === REDIRECTS) throw protocol(url, `it redirects more than ${REDIRECTS} times`);
      url = this.#redirected(location, url);
      // Left once, never trusted again: a third host could send the request back with a path of its choice.
      if (url.origin !== origin) authorization = undefined;
    }
  }

  #redirected(location: string, from: URL): URL {
    const to = URL.parse(location, from.href);
    if (to === null || !/^https?:$/.test(to.protocol)) throw protocol(from, "it redirects to what is no HTTP address");
    if (to.protocol === "http:" && from.protocol === "https:" && !this.#options.insecure) {
      throw protocol(
        from,
        `it redirects from TLS to plain HTTP, to ${to.host}, which is allowed for insecure registries only`,
      );
    }
    to.username = "";
    to.password = "";
    return to;
  }

  /** One request. A kept connection that the server had just closed is no failure of it: the request goes out again. */
  async #exchange(request: HttpRequest): Promise<IncomingMessage> {
    for (;;) {
      const answer = await this.#exchangeOnce(request);
      if (answer !== "stale") return answer;
    }
  }

  #exchangeOnce(options: HttpRequest): Promise<IncomingMessage | "stale"> {
    const { method, url, authorization, body, signal } = options;
    const { settings } = this.#options;
    const headers = {
      "user-agent": `podrun/${VERSION}`,
      "accept-encoding": "identity",
      ...options.headers,
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const send = url.protocol === "https:" ? requestHttps : requestHttp;
      const request = send(url, { method, headers, agent: this.#agent(url, options.pool), ...(signal && { signal }) });
      let connected = false;
      let timer: NodeJS.Timeout | undefined;
      const expectWithin = (milliseconds: number, early: boolean): void => {
        clearTimeout(timer);
        const failure = new RegistryFailure({ kind: "timeout", host: url.host, milliseconds, early });
        timer = setTimeout(() => request.destroy(failure), milliseconds);
      };
      request.on("socket", (socket) => {
        const ready = (): void => {
          connected = true;
          expectWithin(settings.idleTimeout, false);
        };
        // A request may wait long for a free connection; its time begins here.
        if (request.reusedSocket || !isConnecting(socket)) return ready();
        expectWithin(settings.connectTimeout, true);
        socket.once(url.protocol === "https:" ? "secureConnect" : "connect", ready);
      });
      request.on("response", (response) => {
        clearTimeout(timer);
        // Whoever reads the body sees its errors; between two reads nobody listens, and none must end the process.
        response.on("error", () => undefined);
        resolve(response);
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        const stale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        if (stale) resolve("stale");
        else reject(sortError(error, url.host, connected));
      });
      request.on("close", () => {
        clearTimeout(timer);
        reject(new RegistryFailure({ kind: "cut", host: url.host }));
      });
      request.end(body);
    });
  }

  #agent(url: URL, pool: Pool = "answers") {
    const { tls, insecure, settings, host } = this.#options;
    const own = url.host === host;
    const shown: TlsFiles = own || tls.ca === undefined ? (own ? tls : {}) : { ca: tls.ca };
    try {
      return agentFor({ url, pool, tls: shown, insecure, settings });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw protocol(url, `podrun's certificates for it cannot be used (${why})`);
    }
  }
}

function isConnecting(socket: import("node:net").Socket): boolean {
  return socket.connecting || ("secureConnecting" in socket && socket.secureConnecting === true);
}

function protocol(url: URL, text: string): RegistryFailure {
  return new RegistryFailure({ kind: "protocol", host: url.host, text });
}

/** Gives the connection back: by reading the little that is left, or by closing it. */
export function discard(body: IncomingMessage): void {
  const length = Number(body.headers["content-length"] ?? Number.NaN);
  if (!(length <= WORTH_READING)) return void body.destroy();
  const timer = setTimeout(() => body.destroy(), 2000);
  body.once("close", () => clearTimeout(timer));
  body.resume();
}
