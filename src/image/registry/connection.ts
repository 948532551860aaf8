import { RegistryFailure } from "./failure.ts";
import { Http, type HttpAnswer, type HttpRequest } from "./http.ts";
import { throwTransient } from "./refusal.ts";
import type { TransferSettings } from "./settings.ts";
import type { Endpoint, TlsFiles } from "./types.ts";

export type ApiRequest = Omit<HttpRequest, "url"> & {
  /** `/v2/…` */
  readonly path: string;
};

export interface ConnectionOptions {
  readonly endpoint: Pick<Endpoint, "host" | "insecure">;
  readonly tls: TlsFiles;
  readonly settings: TransferSettings;
}

/** Docker Hub's name is not where its registry listens. */
const hostOnTheWire = (host: string): string => (host === "docker.io" ? "registry-1.docker.io" : host);

/** What shows that nobody speaks TLS there. */
const NO_TLS = new Set(["tls", "connect", "cut", "timeout"]);

/** Requests to one registry. An insecure one is asked by plain HTTP when TLS failed; what worked is remembered. */
export class Connection {
  readonly http: Http;
  readonly #host: string;
  readonly #insecure: boolean;
  readonly #settings: TransferSettings;
  #scheme: "https" | "http" | undefined;

  constructor({ endpoint, tls, settings }: ConnectionOptions) {
    this.#host = hostOnTheWire(endpoint.host);
    this.#insecure = endpoint.insecure;
    this.#settings = settings;
    this.#scheme = endpoint.insecure ? undefined : "https";
    this.http = new Http({ host: this.#host, tls, insecure: endpoint.insecure, settings });
  }

  /** Throws RegistryFailure, also for answers after which another attempt makes sense. */
  async send(request: ApiRequest): Promise<HttpAnswer> {
    const answer = await this.#sendBySomeScheme(request);
    await throwTransient(answer, this.#settings);
    return answer;
  }

  async #sendBySomeScheme(request: ApiRequest): Promise<HttpAnswer> {
    if (this.#scheme !== undefined) return this.#sendBy(this.#scheme, request);
    try {
      return await this.#sendBy("https", request);
    } catch (error) {
      const speechless = error instanceof RegistryFailure && NO_TLS.has(error.facts.kind);
      if (!this.#insecure || !speechless || request.signal?.aborted) throw error;
    }
    return await this.#sendBy("http", request);
  }

  async #sendBy(scheme: "https" | "http", request: ApiRequest): Promise<HttpAnswer> {
    const url = URL.parse(`${scheme}://${this.#host}${request.path}`);
    // A name may have any digits behind its colon, and any between its dots.
    if (url === null) throw this.#noAddress("it is no address");
    // 127.1 and 0x7f000001 are 127.0.0.1, which registries.conf or policy.json may say something of.
    const written = this.#host.toLowerCase().replace(/:\d*$/, "");
    if (url.hostname !== written) throw this.#noAddress(`it is another way to write ${url.hostname}: name it so`);
    const answer = await this.http.send({ ...request, url });
    this.#scheme = scheme;
    return answer;
  }

  #noAddress(text: string): RegistryFailure {
    return new RegistryFailure({ kind: "protocol", host: this.#host, text });
  }
}
