/** What came of one action. A warning counts as a success (kubelet probe.Warning); `unknown`: it could not be tried. */
export interface Outcome {
  readonly result: "success" | "warning" | "failure" | "unknown";
  /** What was answered, or what went wrong, in the kubelet's words. */
  readonly message: string;
  /** The status code of an HTTP answer. */
  readonly status?: number;
}

/** Most that is kept of an answer, bytes (kubelet, probe's maxRespBodyLength and exec's maxReadLength). */
export const MOST_OUTPUT = 10 * 1024;

/** Words of Go's net package for the system's errors. */
const GO_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
  ENOTFOUND: "no such host",
};

/** A network error as Go words it; others as they are. */
export function goError(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  const word = typeof code === "string" ? GO_ERRORS[code] : undefined;
  return word ?? (error instanceof Error ? error.message : String(error));
}

/** `10.0.0.1:80`, `[fd00::1]:80` (Go's net.JoinHostPort). */
export const joinHostPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
