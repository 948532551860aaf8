// The API's client over the daemon's unix socket. Every method throws ApiError for what the server refused, and what
// `connectDaemon` throws. `podrun exec` uses client-stream.ts instead, which loads less.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Config } from "../base/config.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import type { Finding, KubeEvent, PlannedOperation, PlanSources, PodWatchEvent, SystemInfo } from "../pod/types.ts";
import type { Pod } from "../spec/pod.ts";
import { type ConnectOptions, connectDaemon } from "./connect.ts";
import { DEFAULTED_HEADER } from "./default-container.ts";
import { ApiError, parseStatus, type Status } from "./status.ts";

export type { Finding, KubeEvent, PlannedOperation, PlanSources, PodWatchEvent, SystemInfo };

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface PodList {
  readonly kind: "PodList";
  readonly apiVersion: "v1";
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly Pod[];
}

export interface ListQuery {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface LogQuery {
  readonly container?: string | undefined;
  readonly follow?: boolean | undefined;
  readonly tailLines?: number | undefined;
  readonly timestamps?: boolean | undefined;
  readonly previous?: boolean | undefined;
  readonly sinceSeconds?: number | undefined;
  readonly sinceTime?: string | undefined;
  readonly limitBytes?: number | undefined;
}

/** One operation of a measured start; times are CLOCK_MONOTONIC nanoseconds as decimal strings. */
export interface TracedOperationJson extends PlannedOperation {
  readonly start: string;
  readonly end: string;
  readonly errno?: string;
}

export class ApiClient {
  readonly #config: Config;
  readonly #options: ConnectOptions;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#config = config;
    this.#options = options;
  }

  createPod(pod: Pod, options: { readonly dryRun?: boolean } = {}): Promise<Pod> {
    const query = { dryRun: options.dryRun === true ? "All" : undefined };
    return this.#json("POST", podsPath(pod.metadata.namespace), query, pod);
  }

  replacePod(pod: Pod): Promise<Pod> {
    return this.#json("PUT", podPath(pod.metadata.namespace, pod.metadata.name), {}, pod);
  }

  getPod(namespace: string, name: string): Promise<Pod> {
    return this.#json("GET", podPath(namespace, name));
  }

  listPods(query: ListQuery): Promise<PodList> {
    const { namespace, ...selectors } = query;
    return this.#json("GET", podsPath(namespace), selectors);
  }

  deletePod(namespace: string, name: string, gracePeriodSeconds?: number): Promise<Pod> {
    return this.#json("DELETE", podPath(namespace, name), { gracePeriodSeconds });
  }

  /** Changes after `resourceVersion`; without one the present pods come first, as ADDED. Ends when the daemon leaves. */
  async *watchPods(
    query: ListQuery & { resourceVersion?: string },
    signal?: AbortSignal,
  ): AsyncGenerator<PodWatchEvent> {
    const { namespace, ...rest } = query;
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.#stream(podsPath(namespace), { ...rest, watch: 1 }, signal)) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line) as PodWatchEvent | { type: "ERROR"; object: Status };
        if (event.type === "ERROR") throw new ApiError(event.object);
        yield event;
      }
    }
  }

  async listEvents(namespace: string | undefined, fieldSelector?: string): Promise<readonly KubeEvent[]> {
    const path =
      namespace === undefined ? "/api/v1/events" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const list = await this.#json<{ items: readonly KubeEvent[] }>("GET", path, { fieldSelector });
    return list.items;
  }

  /** `onDefaulted` hears which container the daemon chose, and of which. */
  readLog(
    namespace: string,
    name: string,
    query: LogQuery,
    options: { readonly signal?: AbortSignal; readonly onDefaulted?: (text: string) => void } = {},
  ): AsyncGenerator<Buffer> {
    const { follow, timestamps, previous, ...rest } = query;
    const flags = { follow: follow || undefined, timestamps: timestamps || undefined, previous: previous || undefined };
    return this.#stream(`${podPath(namespace, name)}/log`, { ...rest, ...flags }, options.signal, (response) => {
      const defaulted = response.headers[DEFAULTED_HEADER];
      if (typeof defaulted === "string") options.onDefaulted?.(defaulted);
    });
  }

  async plan(pods: readonly Pod[], sources: PlanSources): Promise<readonly PlannedOperation[]> {
    const body = { pods, sources };
    return (await this.#json<{ operations: readonly PlannedOperation[] }>("POST", "/podrun/v1/plan", {}, body))
      .operations;
  }

  async trace(namespace: string, name: string): Promise<readonly TracedOperationJson[]> {
    const path = `/podrun/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/trace`;
    return (await this.#json<{ operations: readonly TracedOperationJson[] }>("GET", path)).operations;
  }

  version(): Promise<{ readonly gitVersion: string; readonly platform: string }> {
    return this.#json("GET", "/version");
  }

  systemInfo(): Promise<SystemInfo> {
    return this.#json("GET", "/podrun/v1/system/info");
  }

  async systemCheck(options: { readonly repair: boolean }): Promise<readonly Finding[]> {
    const [method, path] = options.repair ? ["POST", "repair"] : ["GET", "check"];
    return (await this.#json<{ findings: readonly Finding[] }>(method ?? "GET", `/podrun/v1/system/${path}`)).findings;
  }

  async systemShutdown(): Promise<void> {
    await this.#json("POST", "/podrun/v1/system/shutdown");
  }

  async #json<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const response = await this.#send(method, path + queryText(query), body);
    const text = await readAll(response);
    if (isSuccess(response)) return JSON.parse(text) as T;
    throw new ApiError(parseStatus(response.statusCode ?? 0, text));
  }

  async *#stream(
    path: string,
    query: Query,
    signal?: AbortSignal,
    onAnswer?: (response: IncomingMessage) => void,
  ): AsyncGenerator<Buffer> {
    const response = await this.#send("GET", path + queryText(query), undefined);
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

  /**
   * A daemon that was killed this moment still takes connections and then breaks them. Reading again does no harm: one more
   * try finds the next daemon. What changes something is not sent twice.
   */
  async #send(method: string, path: string, body: unknown): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(method, path, body);
    } catch (error) {
      if (method !== "GET" || !(error instanceof PodrunError) || errnoOf(error.cause) !== "ECONNRESET") throw error;
      return this.#sendOnce(method, path, body);
    }
  }

  /** One connection a request: a unix socket's costs 0.1 ms, and an idle one would keep the daemon from leaving. */
  async #sendOnce(method: string, path: string, body: unknown): Promise<IncomingMessage> {
    const socket = await connectDaemon(this.#config, this.#options);
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = { host: "podrun", ...(payload === undefined ? {} : contentHeaders(payload)) };
      const request: ClientRequest = httpRequest({ method, path, headers, createConnection: () => socket });
      request.on("response", resolve);
      request.on("error", (cause) => reject(broken(cause)));
      request.end(payload);
    });
  }
}

const podsPath = (namespace: string | undefined): string =>
  namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;

const podPath = (namespace: string, name: string): string => `${podsPath(namespace)}/${encodeURIComponent(name)}`;

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

const contentHeaders = (payload: Buffer): Record<string, string | number> => ({
  "content-type": "application/json",
  "content-length": payload.length,
});

const isSuccess = (response: IncomingMessage): boolean => Math.floor((response.statusCode ?? 0) / 100) === 2;

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
