/**
 * Every error that podrun words for a user. Codes are stable: scripts may match on them, `docs/errors.md` explains each,
 * and a test fails where it does not. Add at the end of a group; never rename, never reuse.
 */
export const ERROR_CODES = [
  // the request
  "InvalidYaml",
  "InvalidObject",
  "UnknownField",
  "UnsupportedField",
  "AlreadyExists",
  "NotFound",
  "Conflict",
  "BadRequest",
  "Forbidden",
  "UnsupportedMediaType",
  // images
  "ImageNotFound",
  "WrongArchitecture",
  "InvalidImage",
  "ImageInUse",
  "ImageRejected",
  "RegistryUnreachable",
  "RegistryUnauthorized",
  "RegistryThrottled",
  // running
  "OperationFailed",
  "CommandNotFound",
  "CommandNotExecutable",
  "ContainerNotRunning",
  "AddressesExhausted",
  "MemoryInUse",
  "MonitorGone",
  "Cancelled",
  "Timeout",
  "UserIdsExhausted",
  // the machine
  "NotRoot",
  "KernelFeatureMissing",
  "LibraryMissing",
  "StateUnavailable",
  "StateCorrupt",
  "DaemonUnreachable",
  "Internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts behind an error, kept as data; the text is worded from them once, where the error is made. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** An error for a user: a stable code, one sentence that says what was wrong and what would be right, and its facts. */
export class PodrunError extends Error {
  override readonly name = "PodrunError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The `code` of a system error (`ENOENT` …), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
