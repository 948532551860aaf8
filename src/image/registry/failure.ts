import { errnoOf } from "../../base/errors.ts";

/**
 * name: no address for the host. connect: nothing there takes connections. certificate, tls: no trusted, no TLS at all.
 * timeout: no byte came. cut: the connection ended too early. status: an HTTP status that means no. throttled: 429.
 * protocol: an answer that HTTP or the distribution spec do not allow.
 */
export type FailureKind =
  | "name"
  | "connect"
  | "certificate"
  | "tls"
  | "timeout"
  | "cut"
  | "status"
  | "throttled"
  | "protocol";

export interface FailureFacts {
  readonly kind: FailureKind;
  /** Who failed: the registry, its token service, or where it redirected to. */
  readonly host: string;
  /** Nothing was sent yet: the host could not even be connected to. */
  readonly early?: boolean;
  /** An errno, OpenSSL's or Node's code. */
  readonly code?: string | undefined;
  readonly status?: number;
  /** Of a status: the next attempt may be answered otherwise. */
  readonly transient?: boolean;
  /** Of a timeout. */
  readonly milliseconds?: number;
  /** Of a 429. */
  readonly retryAfter?: number | undefined;
  /** What the peer or the library says. */
  readonly text?: string;
  readonly cause?: unknown;
}

/** One attempt that failed; it never leaves this module: Attempts decides whether there is another, `errors.ts` words the last. */
export class RegistryFailure extends Error {
  override readonly name = "RegistryFailure";
  readonly facts: FailureFacts;

  constructor(facts: FailureFacts) {
    super(`${facts.host}: ${facts.kind} ${facts.code ?? facts.status ?? facts.text ?? ""}`, { cause: facts.cause });
    this.facts = facts;
  }
}

const UNCONNECTABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EACCES", "EPERM"]);
/** OpenSSL's verification codes as Node names them: DEPTH_ZERO_SELF_SIGNED_CERT, UNABLE_TO_VERIFY_LEAF_SIGNATURE … */
const CERTIFICATE = /CERT|^UNABLE_TO_|^CRL_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/;

/** Sorts an error of node:http or node:https. `connected`: the request had been given a working connection. */
export function sortError(error: unknown, host: string, connected: boolean): RegistryFailure {
  if (error instanceof RegistryFailure) return error;
  const code = errnoOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const facts = { host, code, text, cause: error };
  if (code === undefined) return new RegistryFailure({ ...facts, kind: "cut" });
  if (code === "ENOTFOUND" || code.startsWith("EAI_"))
    return new RegistryFailure({ ...facts, kind: "name", early: true });
  if (UNCONNECTABLE.has(code) || code === "ERR_PROXY_TUNNEL") {
    return new RegistryFailure({ ...facts, kind: "connect", early: !connected });
  }
  if (code === "ETIMEDOUT") return new RegistryFailure({ ...facts, kind: "timeout", early: !connected });
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) return new RegistryFailure({ ...facts, kind: "tls" });
  if (CERTIFICATE.test(code)) return new RegistryFailure({ ...facts, kind: "certificate" });
  return new RegistryFailure({ ...facts, kind: code.startsWith("HPE_") ? "protocol" : "cut" });
}
