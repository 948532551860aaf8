import { STATUS_CODES } from "node:http";
import { PodrunError } from "../../base/errors.ts";
import { plainText } from "../../base/plain-text.ts";
import type { FailureFacts, RegistryFailure } from "./failure.ts";
import type { Refusal } from "./refusal.ts";

/** What an error is about. */
export interface Subject {
  /** As the user wrote it; absent when no image is asked for (`login`). */
  readonly image?: string | undefined;
  /** The registry as its files name it. */
  readonly host: string;
  readonly repository: string;
}

/** One account that was tried, and what was said to it. Never a password. */
export interface TriedAccount {
  /** Undefined: without an account. */
  readonly username: string | undefined;
  readonly reason: string;
}

export function unreachable(subject: Subject, failure: RegistryFailure, attempts: number): PodrunError {
  const tried = attempts > 1 ? `, tried ${attempts} times` : "";
  const text = `${about(subject)} cannot be asked: ${describe(failure.facts, subject)}${tried}${advice(failure.facts)}`;
  const { code, status, kind } = failure.facts;
  return new PodrunError("RegistryUnreachable", text, {
    details: { ...facts(subject), kind, code, status, attempts },
    cause: failure,
  });
}

export function throttled(subject: Subject, failure: RegistryFailure): PodrunError {
  const { retryAfter, text } = failure.facts;
  const retryAfterSeconds = retryAfter === undefined ? undefined : Math.ceil(retryAfter / 1000);
  const when = retryAfterSeconds === undefined ? "later" : `in ${retryAfterSeconds} s`;
  const words = `${about(subject)} takes no more requests from here (${status(429, text ?? "")}): try again ${when}; an account (podrun login ${subject.host}) often has a higher limit`;
  return new PodrunError("RegistryThrottled", words, {
    details: { ...facts(subject), retryAfterSeconds },
    cause: failure,
  });
}

export function unauthorized(subject: Subject, tried: readonly TriedAccount[]): PodrunError {
  const users = tried.flatMap(({ username }) => (username === undefined ? [] : [username]));
  const answers = tried.map(({ username, reason }) => {
    return `${username === undefined ? "without an account" : `user "${plainText(username)}"`}: ${reason}`;
  });
  const said = answers.join("; ");
  const details = { ...facts(subject), users };
  if (subject.image === undefined) {
    return new PodrunError("RegistryUnauthorized", `${about(subject)} does not take this account: ${said}`, {
      details,
    });
  }
  const what =
    users.length === 0
      ? `log in with podrun login ${subject.host}, or give the pod imagePullSecrets`
      : `use an account that may read ${subject.repository}`;
  const text = `${about(subject)} refuses ${subject.repository} (${said}): ${what}, or check the name, for registries answer so too for what they do not have`;
  return new PodrunError("RegistryUnauthorized", text, { details });
}

export function manifestNotFound(subject: Subject, tagOrDigest: string, refusal: Refusal): PodrunError {
  const what = refusal.codes.includes("NAME_UNKNOWN")
    ? `repository ${subject.repository}`
    : `${tagOrDigest.includes(":") ? "manifest" : "tag"} "${tagOrDigest}" of ${subject.repository}`;
  return new PodrunError("ImageNotFound", `${about(subject)} has no ${what}${said(refusal)}`, {
    details: { ...facts(subject), tagOrDigest },
  });
}

export function blobNotFound(subject: Subject, digest: string, refusal: Refusal): PodrunError {
  const text = `${about(subject)} has no blob ${digest} of ${subject.repository}, which its manifest names${said(refusal)}`;
  return new PodrunError("ImageNotFound", text, { details: { ...facts(subject), digest } });
}

/** What came is not what the image-spec, the distribution spec or the manifest promise. */
export function invalid(subject: Subject, problem: string, details: Record<string, string | number> = {}): PodrunError {
  // Media types, encodings and digests are whatever the registry sends.
  return new PodrunError("InvalidImage", `${about(subject)} ${plainText(problem, 1000)}`, {
    details: { ...facts(subject), ...details },
  });
}

export function cancelled(subject: Subject, cause?: unknown): PodrunError {
  const text =
    subject.image === undefined ? `asking the registry ${subject.host}` : `image "${subject.image}": the pull`;
  return new PodrunError("Cancelled", `${text} was cancelled`, { details: facts(subject), cause });
}

/** One attempt's failure in a few words, for progress and inside of errors. */
export function describe(failure: FailureFacts, subject: Subject): string {
  const at = subject.host === failure.host || subject.host === "docker.io" ? "" : `${plainText(failure.host)}: `;
  return `${at}${reason(failure)}`;
}

function reason({ kind, host, code = "", status: number = 0, milliseconds, early, text = "" }: FailureFacts): string {
  switch (kind) {
    case "name":
      return `the name ${host} cannot be resolved (${code})`;
    case "connect":
      return code === "ECONNREFUSED"
        ? "nothing listens there (ECONNREFUSED)"
        : `no way there (${code}: ${plainText(text)})`;
    case "certificate":
      return `its certificate is not trusted (${code}: ${plainText(text.replace(/; if the root CA is .*/, ""))})`;
    case "tls":
      return `it does not speak TLS as it should (${code}: ${plainText(text)})`;
    case "timeout":
      if (milliseconds === undefined) return `no connection in time (${code})`;
      return early ? `no connection within ${milliseconds / 1000} s` : `no byte came within ${milliseconds / 1000} s`;
    case "cut":
      return `the connection was cut${code === "" ? "" : ` (${code})`}`;
    case "status":
    case "throttled":
      return status(number, text);
    case "protocol":
      return plainText(text);
  }
}

function advice({ kind, host }: FailureFacts): string {
  if (kind === "certificate") {
    return `: put the certificate of its CA into /etc/containers/certs.d/${host}/ca.crt, or set insecure = true for it in registries.conf`;
  }
  // Docker takes plain HTTP from loopback unasked; podman, whose files these are, does not.
  if (kind === "tls") return `: if it speaks plain HTTP, set insecure = true for it in registries.conf`;
  return "";
}

/** `HTTP 503 Service Unavailable: UNAVAILABLE: come back later`. */
export function status(number: number, words: string): string {
  return `HTTP ${[number, STATUS_CODES[number]].join(" ").trim()}${words === "" ? "" : `: ${words}`}`;
}

const said = ({ status: number, words }: Refusal): string => ` (${status(number, words)})`;

function about({ image, host }: Subject): string {
  return image === undefined ? `the registry ${host}` : `image "${image}": the registry ${host}`;
}

const facts = ({ image, host, repository }: Subject) => ({ image, host, repository });
