// What pods and the machine use, the client's end.
import type { Config } from "../base/config.ts";
import { HttpClient } from "./client-http.ts";
import type { ConnectOptions } from "./connect.ts";

/** Quantities: `cpu` in nanocores (`1500n`), `memory` in `Ki`; a node's capacity in whole cores. */
export interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

export interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

export interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage: Usage;
  readonly capacity: Usage;
}

const BASE = "/apis/metrics.k8s.io/v1beta1";

/** Every method throws ApiError for what the server refused, and what `connectDaemon` throws. */
export class MetricsClient {
  readonly #http: HttpClient;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#http = new HttpClient(config, options);
  }

  /** `namespace` undefined: of all namespaces. */
  async pods(namespace: string | undefined, labelSelector: string | undefined): Promise<readonly PodMetrics[]> {
    const path = namespace === undefined ? `${BASE}/pods` : `${BASE}/namespaces/${encodeURIComponent(namespace)}/pods`;
    return (await this.#http.json<{ items: readonly PodMetrics[] }>("GET", path, { labelSelector })).items;
  }

  pod(namespace: string, name: string): Promise<PodMetrics> {
    return this.#http.json(
      "GET",
      `${BASE}/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`,
    );
  }

  node(name: string): Promise<NodeMetrics> {
    return this.#http.json("GET", `${BASE}/nodes/${encodeURIComponent(name)}`);
  }

  async nodes(): Promise<readonly NodeMetrics[]> {
    return (await this.#http.json<{ items: readonly NodeMetrics[] }>("GET", `${BASE}/nodes`)).items;
  }
}
