// The API's client over the daemon's unix socket. Every method throws ApiError for what the server refused, and what
// `connectDaemon` throws. `podrun exec` uses client-stream.ts instead, which loads less.
import type { Config } from "../base/config.ts";
import type {
  EventChange,
  Finding,
  KubeEvent,
  PlannedOperation,
  PlanSources,
  PodWatchEvent,
  SystemInfo,
} from "../pod/types.ts";
import type { Pod } from "../spec/pod.ts";
import { HttpClient, type Query } from "./client-http.ts";
import type { ConnectOptions } from "./connect.ts";
import { DEFAULTED_HEADER } from "./default-container.ts";
import { ApiError, type Status } from "./status.ts";

export type { EventChange, Finding, KubeEvent, PlannedOperation, PlanSources, PodWatchEvent, SystemInfo };

export interface PodList {
  readonly kind: "PodList";
  readonly apiVersion: "v1";
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly Pod[];
}

/** meta.k8s.io/v1 Table: cells in the order of POD_COLUMNS. */
export interface PodTable {
  readonly kind: "Table";
  readonly rows: readonly PodTableRow[];
}

export interface PodTableRow {
  readonly cells: readonly string[];
  readonly object?: { readonly metadata: Pick<Pod["metadata"], "namespace" | "labels"> };
}

export interface EventList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeEvent[];
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
  /** Both, when absent. */
  readonly stream?: "All" | "Stdout" | "Stderr" | undefined;
}

/** One operation of a measured start; times are CLOCK_MONOTONIC nanoseconds as decimal strings. */
export interface TracedOperationJson extends PlannedOperation {
  readonly start: string;
  readonly end: string;
  readonly errno?: string;
}

export class ApiClient {
  readonly #http: HttpClient;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#http = new HttpClient(config, options);
  }

  createPod(pod: Pod, options: { readonly dryRun?: boolean } = {}): Promise<Pod> {
    const query = { dryRun: options.dryRun === true ? "All" : undefined };
    return this.#http.json("POST", podsPath(pod.metadata.namespace), query, pod);
  }

  replacePod(pod: Pod): Promise<Pod> {
    return this.#http.json("PUT", podPath(pod.metadata.namespace, pod.metadata.name), {}, pod);
  }

  /** Adds the pod's ephemeral containers that are new; nothing else of it is taken. */
  addEphemeralContainers(pod: Pod): Promise<Pod> {
    const { namespace, name } = pod.metadata;
    return this.#http.json("PUT", `${podPath(namespace, name)}/ephemeralcontainers`, {}, pod);
  }

  getPod(namespace: string, name: string): Promise<Pod> {
    return this.#http.json("GET", podPath(namespace, name));
  }

  listPods(query: ListQuery): Promise<PodList> {
    const { namespace, ...selectors } = query;
    return this.#http.json("GET", podsPath(namespace), selectors);
  }

  /** The list as rows to print. `metadata`: with each pod's. */
  tablePods(query: ListQuery, options: { readonly metadata: boolean }): Promise<PodTable> {
    const { namespace, ...selectors } = query;
    return this.#http.table(podsPath(namespace), {
      ...selectors,
      includeObject: options.metadata ? "Metadata" : "None",
    });
  }

  deletePod(
    namespace: string,
    name: string,
    gracePeriodSeconds?: number,
    options: { readonly dryRun?: boolean } = {},
  ): Promise<Pod> {
    const dryRun = options.dryRun ? "All" : undefined;
    return this.#http.json("DELETE", podPath(namespace, name), { gracePeriodSeconds, dryRun });
  }

  /** As {@link deletePod}, for what is no fault of the pod's. */
  async evictPod(
    { metadata: { namespace, name } }: Pod,
    { gracePeriodSeconds, dryRun }: { readonly gracePeriodSeconds?: number | undefined; readonly dryRun: boolean },
  ): Promise<void> {
    const deleteOptions = { gracePeriodSeconds, ...(dryRun && { dryRun: ["All"] }) };
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace }, deleteOptions };
    await this.#http.json("POST", `${podPath(namespace, name)}/eviction`, {}, body);
  }

  /** Changes after `resourceVersion`; without one the present pods come first, as ADDED. Ends when the daemon leaves. */
  async *watchPods(
    query: ListQuery & { resourceVersion?: string },
    signal?: AbortSignal,
  ): AsyncGenerator<PodWatchEvent> {
    const { namespace, ...rest } = query;
    yield* this.#watch<PodWatchEvent>(podsPath(namespace), rest, signal);
  }

  async *#watch<T extends { readonly type: string }>(
    path: string,
    query: Query,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T> {
    const options = { query: { ...query, watch: 1 }, signal };
    for await (const event of this.#http.lines<T | { type: "ERROR"; object: Status }>(path, options)) {
      if (event.type === "ERROR") throw new ApiError((event as { object: Status }).object);
      yield event as T;
    }
  }

  async listEvents(namespace: string | undefined, fieldSelector?: string): Promise<readonly KubeEvent[]> {
    return (await this.eventList(namespace, fieldSelector)).items;
  }

  eventList(namespace: string | undefined, fieldSelector?: string): Promise<EventList> {
    return this.#http.json("GET", eventsPath(namespace), { fieldSelector });
  }

  /** Events after `resourceVersion`; without one the present ones come first. Ends when the daemon leaves. */
  watchEvents(
    { namespace, ...rest }: Omit<ListQuery, "labelSelector"> & { readonly resourceVersion?: string },
    signal?: AbortSignal,
  ): AsyncGenerator<EventChange> {
    return this.#watch(eventsPath(namespace), rest, signal);
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
    return this.#http.stream(`${podPath(namespace, name)}/log`, {
      query: { ...rest, ...flags },
      signal: options.signal,
      onAnswer: (response) => {
        const defaulted = response.headers[DEFAULTED_HEADER];
        if (typeof defaulted === "string") options.onDefaulted?.(defaulted);
      },
    });
  }

  async plan(pods: readonly Pod[], sources: PlanSources): Promise<readonly PlannedOperation[]> {
    const body = { pods, sources };
    return (await this.#http.json<{ operations: readonly PlannedOperation[] }>("POST", "/podrun/v1/plan", {}, body))
      .operations;
  }

  async trace(namespace: string, name: string): Promise<readonly TracedOperationJson[]> {
    const path = `/podrun/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/trace`;
    return (await this.#http.json<{ operations: readonly TracedOperationJson[] }>("GET", path)).operations;
  }

  version(): Promise<{ readonly gitVersion: string; readonly platform: string }> {
    return this.#http.json("GET", "/version");
  }

  systemInfo(): Promise<SystemInfo> {
    return this.#http.json("GET", "/podrun/v1/system/info");
  }

  async systemCheck(options: { readonly repair: boolean }): Promise<readonly Finding[]> {
    const [method, path] = options.repair ? ["POST", "repair"] : ["GET", "check"];
    return (await this.#http.json<{ findings: readonly Finding[] }>(method ?? "GET", `/podrun/v1/system/${path}`))
      .findings;
  }

  async systemShutdown(): Promise<void> {
    await this.#http.json("POST", "/podrun/v1/system/shutdown");
  }
}

const eventsPath = (namespace: string | undefined): string =>
  namespace === undefined ? "/api/v1/events" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;

const podsPath = (namespace: string | undefined): string =>
  namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;

const podPath = (namespace: string, name: string): string => `${podsPath(namespace)}/${encodeURIComponent(name)}`;
