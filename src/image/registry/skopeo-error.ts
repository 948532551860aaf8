// What skopeo says when it fails, as podrun's errors. Only words that are certain are read out of its text.
import { type ErrorCode, PodrunError } from "../../base/errors.ts";

const MEANINGS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/no space left on device|disk quota exceeded/i, "StateUnavailable"],
  [/no image found in (?:manifest list|image index) for/i, "WrongArchitecture"],
  [/StatusCode: 429|toomanyrequests/i, "RegistryThrottled"],
  [
    /StatusCode: 40[13]|unauthorized|invalid username\/password|authentication required|denied:/i,
    "RegistryUnauthorized",
  ],
  [/StatusCode: 404|manifest unknown|name unknown/i, "ImageNotFound"],
  [
    /connection refused|no such host|i\/o timeout|x509:|tls:|HTTP response to HTTPS client|connection reset|no route to host|unexpected EOF|StatusCode: 5\d\d|Service Unavailable/i,
    "RegistryUnreachable",
  ],
];

export interface SkopeoFailure {
  readonly image: string;
  readonly stderr: string;
  /** Of the rule that wants the signature. */
  readonly file: string;
  readonly scope: string;
}

/** The error for one failed `skopeo copy`. */
export function skopeoError({ image, stderr, file, scope }: SkopeoFailure): PodrunError {
  const text = fatalMessage(stderr);
  const details = { image, file, scope };
  const rejected = /Source image rejected: ([\s\S]*)$/.exec(text)?.[1];
  if (rejected !== undefined) {
    return new PodrunError("ImageRejected", `image "${image}": ${file} rejects it (${scope}): ${rejected}`, {
      details,
    });
  }
  const code = MEANINGS.find(([words]) => words.test(text))?.[1] ?? "ImageRejected";
  return new PodrunError(
    code,
    `image "${image}": skopeo, which checks its signature (${file}, ${scope}), failed: ${text}`,
    { details },
  );
}

/** `time="…" level=fatal msg="…"`, or `FATA[0000] …`; else the last line. */
function fatalMessage(stderr: string): string {
  const quoted = /level=fatal msg=("(?:[^"\\]|\\.)*")/.exec(stderr)?.[1];
  if (quoted !== undefined) return unquote(quoted);
  const plain = /level=fatal msg=(\S+)|FATA\[\d+\] (.*)/.exec(stderr);
  return (plain?.[1] ?? plain?.[2] ?? stderr.trim().split("\n").at(-1) ?? "").trim() || "it gave no reason";
}

/** Go quotes as JSON does, but for bytes that are not text. */
function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
