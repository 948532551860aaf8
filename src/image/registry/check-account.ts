import type { Credentials } from "../types.ts";
import { Attempts } from "./attempts.ts";
import { Connection } from "./connection.ts";
import type { Subject } from "./errors.ts";
import { discard } from "./http.ts";
import { statusFailure } from "./refusal.ts";
import { Session } from "./session.ts";
import { DEFAULT_SETTINGS, type TransferSettings } from "./settings.ts";
import type { Endpoint, TlsFiles } from "./types.ts";

export interface CheckAccountOptions {
  readonly endpoint: Pick<Endpoint, "host" | "insecure">;
  readonly credentials: Credentials;
  readonly tls: TlsFiles;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether a registry takes an account: `GET /v2/` with it (distribution spec, "Determining Support"). A registry that asks nobody
 * who he is takes everyone, as with docker. Throws RegistryUnauthorized, RegistryUnreachable, RegistryThrottled, Cancelled.
 */
export async function checkAccount(
  options: CheckAccountOptions,
  patience: Partial<TransferSettings> = {},
): Promise<void> {
  const { endpoint, credentials, tls, signal } = options;
  const { host, insecure } = endpoint;
  const settings = { ...DEFAULT_SETTINGS, ...patience };
  const subject: Subject = { host, repository: "" };
  const connection = new Connection({ endpoint, tls, settings });
  const accounts = { credentials: [credentials], anonymous: false, scope: undefined };
  const session = new Session({ connection, subject, ...accounts, insecure, settings });
  await new Attempts({ subject, settings, mirror: false, signal }).run(async () => {
    const answer = await session.send({ method: "GET", path: "/v2/", signal });
    if (answer.status !== 200) throw await statusFailure(answer, settings);
    discard(answer.body);
  });
}
