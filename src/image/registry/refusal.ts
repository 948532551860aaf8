import { isJsonObject } from "../../base/json.ts";
import { plainText } from "../../base/plain-text.ts";
import { readBody } from "./body.ts";
import { RegistryFailure } from "./failure.ts";
import type { HttpAnswer } from "./http.ts";
import type { TransferSettings } from "./settings.ts";

/** What an answer that is no success says. */
export interface Refusal {
  readonly status: number;
  /** MANIFEST_UNKNOWN …: `errors[].code` of the distribution spec. */
  readonly codes: readonly string[];
  /** For people, cleaned of control characters; may be empty. */
  readonly words: string;
}

const LIMIT = 64 << 10;

/** Reads the body of an answer that says no. A body that breaks off says nothing; the status stands. */
export async function readRefusal(answer: HttpAnswer, settings: TransferSettings): Promise<Refusal> {
  const bytes = await readBody(answer, LIMIT, settings.idleTimeout).catch((error: unknown) => {
    if (error instanceof RegistryFailure) return undefined;
    throw error;
  });
  const { codes, texts } = parse(bytes?.toString("utf8") ?? "");
  return { status: answer.status, codes, words: plainText(texts.join("; ")) };
}

/** The distribution spec's `errors`, or what token services have in their place: OAuth2's (RFC 6749, 5.2), Docker's `details`. */
function parse(text: string): { codes: string[]; texts: string[] } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { codes: [], texts: [] };
  }
  if (!isJsonObject(body)) return { codes: [], texts: [] };
  const codes: string[] = [];
  const texts: string[] = [];
  for (const entry of Array.isArray(body["errors"]) ? body["errors"].slice(0, 10) : []) {
    if (!isJsonObject(entry)) continue;
    const code = textOf(entry["code"]);
    const message = textOf(entry["message"]);
    if (code !== "") codes.push(code);
    texts.push([code, message].filter((part) => part !== "").join(": "));
  }
  if (texts.length === 0) {
    const names = ["error", "error_description", "details", "message"];
    texts.push(names.flatMap((name) => textOf(body[name]) || []).join(": "));
  }
  return { codes, texts };
}

/**
 * Throws for an answer after which another attempt makes sense: 429, a server's own failure, and whatever another host than
 * the registry refuses (an address that it redirects to is good for some minutes only; the next attempt gets a new one).
 */
export async function throwTransient(answer: HttpAnswer, settings: TransferSettings): Promise<void> {
  const { status, foreign, url } = answer;
  if (status === 429) {
    const retryAfter = parseRetryAfter(answer.headers["retry-after"], settings.now());
    const { words } = await readRefusal(answer, settings);
    throw new RegistryFailure({ kind: "throttled", host: url.host, status, retryAfter, text: words });
  }
  if (TRANSIENT.has(status) || (foreign && status >= 400 && status !== 416)) {
    throw await statusFailure(answer, settings, true);
  }
}

const TRANSIENT = new Set([408, 500, 502, 503, 504]);

/** The failure that a status is; `transient`: the same request may be answered otherwise in a moment. */
export async function statusFailure(
  answer: HttpAnswer,
  settings: TransferSettings,
  transient = false,
): Promise<RegistryFailure> {
  const { status, words } = await readRefusal(answer, settings);
  return new RegistryFailure({ kind: "status", host: answer.url.host, status, transient, text: words });
}

/** Milliseconds from `now` on (RFC 9110, 10.2.3: seconds or a date). */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
