import { createHash } from "node:crypto";
import type { Credentials } from "../types.ts";
import { readBody } from "./body.ts";
import { status } from "./errors.ts";
import { RegistryFailure } from "./failure.ts";
import type { Http, HttpAnswer } from "./http.ts";
import { readRefusal, statusFailure, throwTransient } from "./refusal.ts";
import type { TransferSettings } from "./settings.ts";

/** The token service that a Bearer challenge names. */
export interface TokenService {
  readonly realm: string;
  readonly service: string | undefined;
}

export interface TokenRequest {
  readonly service: TokenService;
  /** `repository:library/nginx:pull`; undefined: a token that only says who asks. */
  readonly scope: string | undefined;
  /** Undefined: an anonymous token. */
  readonly account: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Token {
  readonly value: string;
  /** Not out of the cache. */
  readonly fresh: boolean;
}

/** The token service does not take the account, or may not be given it. */
export class AccountRefused extends Error {
  override readonly name = "AccountRefused";
}

interface Kept {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

const LIMIT = 1 << 20;
const KEPT = 256;
/** Docker's token specification: 60 s where the service does not say. */
const DEFAULT_LIFETIME = 60;
/** A token must still hold when the request arrives. */
const RESERVE = 5;

/** Kept for the whole process by host, scope and account, so that a pod's five images of one repository cost one token. */
const kept = new Map<string, Kept>();

export interface TokensOptions {
  readonly http: Http;
  /** Accounts may go over plain HTTP. */
  readonly insecure: boolean;
  readonly settings: TransferSettings;
}

/** Bearer tokens by Docker's token and OAuth2 specifications (distribution, docs/spec/auth). */
export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** Throws AccountRefused, RegistryFailure. */
  async get(request: TokenRequest): Promise<Token> {
    const { now } = this.#options.settings;
    const key = keyOf(request);
    const known = kept.get(key);
    if (known !== undefined && known.expires > now()) return { value: known.value, fresh: false };
    const asked = now();
    const { value, lifetime } = await this.#fetch(request);
    kept.delete(key);
    kept.set(key, { value, expires: asked + (lifetime - RESERVE) * 1000 });
    const oldest = kept.keys().next().value;
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return { value, fresh: true };
  }

  /** The registry did not take this one (any more). */
  forget(request: TokenRequest): void {
    kept.delete(keyOf(request));
  }

  async #fetch(request: TokenRequest): Promise<{ value: string; lifetime: number }> {
    const { http, settings, insecure } = this.#options;
    const { service, account, signal } = request;
    const url = URL.parse(service.realm);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new RegistryFailure({
        kind: "protocol",
        host: service.realm,
        text: "it names a token service without an address",
      });
    }
    if (url.protocol === "http:" && account !== undefined && !insecure) {
      throw new AccountRefused(`not tried: it would go to ${url.host} over plain HTTP`);
    }
    const answer = await http.send({ ...formulate(url, request), signal });
    await throwTransient(answer, settings);
    if ([400, 401, 403].includes(answer.status)) {
      const refusal = await readRefusal(answer, settings);
      throw new AccountRefused(status(refusal.status, refusal.words));
    }
    if (answer.status !== 200) throw await statusFailure(answer, settings);
    return this.#read(answer);
  }

  async #read(answer: HttpAnswer): Promise<{ value: string; lifetime: number }> {
    const bytes = await readBody(answer, LIMIT, this.#options.settings.idleTimeout);
    const body = parseJson(bytes);
    const value = [body["token"], body["access_token"]].find((token) => typeof token === "string" && token !== "");
    // The value becomes a header: nothing but what RFC 6750 allows may be in it.
    if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
      throw new RegistryFailure({
        kind: "protocol",
        host: answer.url.host,
        text: "the token service answers no token",
      });
    }
    const seconds = Number(body["expires_in"] ?? DEFAULT_LIFETIME);
    return { value, lifetime: Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_LIFETIME };
  }
}

/** GET with the account as Basic; POST (OAuth2) where the account is a refresh token. */
function formulate(url: URL, { service, scope, account }: TokenRequest) {
  const parameters = new URLSearchParams();
  if (service.service !== undefined) parameters.set("service", service.service);
  if (scope !== undefined) parameters.set("scope", scope);
  if (account?.identityToken !== undefined) {
    parameters.set("grant_type", "refresh_token");
    parameters.set("client_id", "podrun");
    parameters.set("refresh_token", account.identityToken);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST" as const, url, headers, body: parameters.toString() };
  }
  const target = new URL(url);
  if (account !== undefined) parameters.set("account", account.username);
  for (const [name, value] of parameters) target.searchParams.set(name, value);
  return { method: "GET" as const, url: target, authorization: account && basic(account) };
}

/** RFC 7617. */
export function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function keyOf({ service, scope, account }: TokenRequest): string {
  const secret = account && [account.username, account.password, account.identityToken];
  const parts = JSON.stringify([service.realm, service.service, scope, secret]);
  return createHash("sha256").update(parts).digest("hex");
}

function parseJson(bytes: Buffer | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes?.toString("utf8") ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
