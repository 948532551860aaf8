// The only place where podrun's errors become Kubernetes Status objects and HTTP codes, and back.
import { ERROR_CODES, type ErrorCode, type ErrorDetails, PodrunError } from "../base/errors.ts";

/** meta/v1 Status. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Record<string, never>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: StatusDetails;
}

export interface StatusDetails {
  readonly name?: string;
  readonly kind?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  /** podrun's own stable code, `src/base/errors.ts`. */
  readonly podrunCode?: ErrorCode;
  readonly podrun?: ErrorDetails;
  /** The texts of the causes, outermost first, for `--debug`. */
  readonly podrunChain?: readonly string[];
}

/** HTTP code and Kubernetes reason (meta/v1 StatusReason) of each error code. */
const TRANSLATION: Readonly<Record<ErrorCode, readonly [code: number, reason: string]>> = {
  InvalidYaml: [400, "BadRequest"],
  InvalidObject: [422, "Invalid"],
  UnknownField: [422, "Invalid"],
  UnsupportedField: [422, "Invalid"],
  AlreadyExists: [409, "AlreadyExists"],
  NotFound: [404, "NotFound"],
  Conflict: [409, "Conflict"],
  BadRequest: [400, "BadRequest"],
  UnsupportedMediaType: [415, "UnsupportedMediaType"],
  Forbidden: [403, "Forbidden"],
  ImageNotFound: [404, "NotFound"],
  WrongArchitecture: [422, "Invalid"],
  InvalidImage: [422, "Invalid"],
  ImageInUse: [409, "Conflict"],
  ImageRejected: [403, "Forbidden"],
  RegistryUnreachable: [502, "BadGateway"],
  RegistryUnauthorized: [401, "Unauthorized"],
  RegistryThrottled: [429, "TooManyRequests"],
  OperationFailed: [500, "InternalError"],
  CommandNotFound: [400, "BadRequest"],
  CommandNotExecutable: [400, "BadRequest"],
  ContainerNotRunning: [400, "BadRequest"],
  AddressesExhausted: [503, "ServiceUnavailable"],
  UserIdsExhausted: [503, "ServiceUnavailable"],
  MemoryInUse: [409, "Conflict"],
  MonitorGone: [500, "InternalError"],
  Cancelled: [500, "InternalError"],
  Timeout: [504, "Timeout"],
  NotRoot: [403, "Forbidden"],
  KernelFeatureMissing: [500, "InternalError"],
  LibraryMissing: [500, "InternalError"],
  StateUnavailable: [503, "ServiceUnavailable"],
  StateCorrupt: [500, "InternalError"],
  DaemonUnreachable: [503, "ServiceUnavailable"],
  Internal: [500, "InternalError"],
};

/** Where the present request stands, for the Status's details. */
export interface StatusSubject {
  readonly kind?: string;
  readonly name?: string;
}

/** The Failure that tells of `error`; anything but a PodrunError is `InternalError` with its text. */
export function toStatus(error: unknown, subject: StatusSubject = {}): Status & { readonly code: number } {
  const known = error instanceof PodrunError ? error : new PodrunError("Internal", describe(error), { cause: error });
  const [code, reason] = TRANSLATION[known.code];
  const chain = causeChain(known);
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: known.message,
    reason,
    code,
    details: {
      ...subject,
      podrunCode: known.code,
      podrun: known.details,
      ...(chain.length === 0 ? {} : { podrunChain: chain }),
    },
  };
}

/** A 405 or 404 of the API itself, which is no error of podrun's. */
export function pathStatus(code: 404 | 405, message: string): Status & { readonly code: number } {
  const reason = code === 404 ? "NotFound" : "MethodNotAllowed";
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

/** The Status that ends an exec or attach on channel 3 (remotecommand's NonZeroExitCode). */
export function exitStatus(exitCode: number): Status {
  if (exitCode === 0) return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with exit code ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

/** An error as the server told it: `reason` and `status` for wording it as kubectl does. */
export class ApiError extends PodrunError {
  readonly status: Status;

  constructor(status: Status) {
    const code = status.details?.podrunCode;
    const chain = status.details?.podrunChain;
    const cause = chain?.reduceRight<Error | undefined>(
      (inner, text) => new Error(text, inner === undefined ? undefined : { cause: inner }),
      undefined,
    );
    super(
      code !== undefined && ERROR_CODES.includes(code) ? code : "Internal",
      status.message ?? `the daemon answered ${status.code ?? "an error"} without a message`,
      { details: status.details?.podrun ?? {}, ...(cause === undefined ? {} : { cause }) },
    );
    this.status = status;
  }
}

/** The error in a Status, or the exit code of an exec's last one. */
export function fromExitStatus(status: Status): number | ApiError {
  if (status.status === "Success") return 0;
  if (status.reason !== "NonZeroExitCode") return new ApiError(status);
  const text = status.details?.causes?.find((cause) => cause.reason === "ExitCode")?.message ?? "";
  const code = Number.parseInt(text, 10);
  return Number.isInteger(code) ? code : new ApiError(status);
}

/** Reads an HTTP answer's body as a Status; one that is none (a foreign server) becomes a Status with its text. */
export function parseStatus(httpCode: number, body: string): Status {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null && "kind" in value && value.kind === "Status")
      return value as Status;
  } catch {
    // Not JSON: worded below from what came.
  }
  const message = `the daemon answered HTTP ${httpCode}: ${body.slice(0, 200)}`;
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: httpCode, message };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function causeChain(error: Error): string[] {
  const chain: string[] = [];
  for (let cause = error.cause; cause !== undefined && chain.length < 16; ) {
    chain.push(cause instanceof PodrunError ? `${cause.code}: ${cause.message}` : describe(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return chain;
}
