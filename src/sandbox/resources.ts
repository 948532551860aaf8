/** cpu in thousandths of a core, memory in bytes; absent: no request, no limit. */
export interface Resources {
  readonly cpuRequestMillis?: number;
  readonly cpuLimitMillis?: number;
  readonly memoryRequestBytes?: number;
  readonly memoryLimitBytes?: number;
  /** By page size as Kubernetes writes it: `2Mi`, `1Gi`. */
  readonly hugepageLimitBytes?: Readonly<Record<string, number>>;
  readonly pidsLimit?: number;
}

/** What a sandbox as a whole, and containers of it by id, are to have from now on. */
export interface ResizeRequest {
  readonly resources: Resources;
  readonly containers: Readonly<Record<string, Resources>>;
}
