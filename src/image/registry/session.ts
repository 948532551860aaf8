import type { Credentials } from "../types.ts";
import { parseChallenges } from "./challenge.ts";
import type { ApiRequest, Connection } from "./connection.ts";
import { type Subject, status, type TriedAccount, unauthorized } from "./errors.ts";
import { discard, type HttpAnswer } from "./http.ts";
import { readRefusal } from "./refusal.ts";
import type { TransferSettings } from "./settings.ts";
import { AccountRefused, basic, type TokenRequest, Tokens } from "./token.ts";

/** How the registry wants to be told who asks; undefined as long as it has not asked. */
type Scheme =
  | { readonly type: "basic" }
  | { readonly type: "bearer"; readonly realm: string; readonly service: string | undefined };

/** One account, or none, and why the registry did not take it. */
interface Account {
  readonly credentials: Credentials | undefined;
  refused: string | undefined;
}

interface Proof {
  /** False: it went out before anybody knew what to prove. Another request may have learnt that meanwhile. */
  readonly given: boolean;
  readonly header: string | undefined;
  /** The token that it is, where it came out of the cache and may have expired. */
  readonly stale?: TokenRequest | undefined;
}

export interface SessionOptions {
  readonly connection: Connection;
  readonly subject: Subject;
  readonly credentials: readonly Credentials[];
  /** Whether it is also tried without an account, last. */
  readonly anonymous: boolean;
  /** `repository:NAME:pull`. */
  readonly scope: string | undefined;
  readonly insecure: boolean;
  readonly settings: TransferSettings;
}

/**
 * Requests to one registry as whoever may ask there: accounts are tried in their order, then nobody. One that was refused is not
 * tried again; a token that has expired is replaced.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #tokens: Tokens;
  readonly #accounts: readonly Account[];
  #scheme: Scheme | undefined;
  #pinged = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { connection, insecure, settings } = options;
    this.#tokens = new Tokens({ http: connection.http, insecure, settings });
    const all = [...options.credentials, ...(options.anonymous ? [undefined] : [])];
    this.#accounts = all.map((credentials) => ({ credentials, refused: undefined }));
  }

  /** An answer that is neither 401 nor 403. Throws RegistryUnauthorized when nobody may have it, RegistryFailure. */
  async send(request: ApiRequest): Promise<HttpAnswer> {
    for (;;) {
      const account = this.#accounts.find(({ refused }) => refused === undefined);
      if (account === undefined) throw this.#unauthorized();
      const proof = await this.#prove(account, request.signal);
      if (proof === undefined) continue;
      const answer = await this.#options.connection.send({ ...request, authorization: proof.header });
      if (await this.#accepted(answer, account, proof, request.signal)) return answer;
    }
  }

  /** The account in the form that the registry asked for; undefined: it was refused. */
  async #prove(account: Account, signal: AbortSignal | undefined): Promise<Proof | undefined> {
    const scheme = this.#scheme;
    if (scheme === undefined) return { given: false, header: undefined };
    if (scheme.type === "basic") return { given: true, header: account.credentials && basic(account.credentials) };
    const request = { service: scheme, scope: this.#options.scope, account: account.credentials, signal };
    try {
      const { value, fresh } = await this.#tokens.get(request);
      return { given: true, header: `Bearer ${value}`, stale: fresh ? undefined : request };
    } catch (error) {
      if (!(error instanceof AccountRefused)) throw error;
      account.refused = error.message;
      return undefined;
    }
  }

  /** False: the request is to be sent again, by what has been learnt. */
  async #accepted(answer: HttpAnswer, account: Account, proof: Proof, signal?: AbortSignal): Promise<boolean> {
    const { status: code } = answer;
    if (code !== 401 && code !== 403) {
      // Some registries deny the existence of what nobody in particular may see, without asking who it is.
      return !(code === 404 && (await this.#ping(answer, signal)));
    }
    if (code === 401) this.#scheme = readScheme(answer) ?? this.#scheme;
    else if (await this.#ping(answer, signal)) return false;
    if (!proof.given && this.#scheme !== undefined) {
      discard(answer.body);
      return false;
    }
    const refusal = await readRefusal(answer, this.#options.settings);
    if (proof.stale !== undefined) {
      this.#tokens.forget(proof.stale);
      return false;
    }
    account.refused = status(refusal.status, refusal.words);
    // Without a way to prove anything, it is the same for everybody.
    if (this.#scheme === undefined)
      throw unauthorized(this.#options.subject, [{ username: undefined, reason: account.refused }]);
    return false;
  }

  /** Asks, once and only where there are accounts to offer, how the registry wants them. True: it now has said so. */
  async #ping(unwanted: HttpAnswer, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#scheme !== undefined || this.#pinged || !this.#accounts.some(({ credentials }) => credentials))
      return false;
    this.#pinged = true;
    const answer = await this.#options.connection.send({ method: "GET", path: "/v2/", signal });
    if (answer.status === 401) this.#scheme = readScheme(answer);
    discard(answer.body);
    if (this.#scheme === undefined) return false;
    discard(unwanted.body);
    return true;
  }

  #unauthorized(): Error {
    const tried: TriedAccount[] = this.#accounts.map(({ credentials, refused = "" }) => ({
      username: credentials?.username,
      reason: refused,
    }));
    return unauthorized(this.#options.subject, tried);
  }
}

/** Bearer before Basic, as docker does: a token is worth less to a thief than a password. */
function readScheme(answer: HttpAnswer): Scheme | undefined {
  const challenges = parseChallenges(answer.headers["www-authenticate"] ?? "");
  for (const { scheme, parameters } of challenges) {
    const { realm, service } = parameters;
    if (scheme === "bearer" && realm !== undefined) return { type: "bearer", realm, service };
  }
  return challenges.some(({ scheme }) => scheme === "basic") ? { type: "basic" } : undefined;
}
