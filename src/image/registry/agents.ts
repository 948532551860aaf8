import { createHash } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import type { TransferSettings } from "./settings.ts";
import type { TlsFiles } from "./types.ts";

/** Blobs have connections of their own: a manifest does not wait behind gigabytes. */
export type Pool = "answers" | "blobs";

const CONNECTIONS: Readonly<Record<Pool, number>> = { answers: 2, blobs: 6 };
const KEPT = 32;

/**
 * Connections are shared by all pulls of a process that trust the same way, and by no others: a socket that was opened without
 * checking certificates is never used where they are checked. An agent that is pushed out of the map ends with its last socket.
 */
const agents = new Map<string, HttpAgent>();

export interface AgentRequest {
  readonly url: URL;
  readonly pool: Pool;
  readonly tls: TlsFiles;
  /** Certificates are not checked. */
  readonly insecure: boolean;
  readonly settings: TransferSettings;
}

/** The agent for one URL. Throws what OpenSSL says of a certificate that is none, or of a key that is not its own. */
export function agentFor({ url, pool, tls, insecure, settings }: AgentRequest): HttpAgent {
  const secure = url.protocol === "https:";
  const pems = secure ? tls : {};
  const proxy = proxyEnvironment(url.hostname, settings.environment);
  const identity = JSON.stringify([secure, secure && insecure, pool, pems, proxy, settings.connectTimeout]);
  const key = createHash("sha256").update(identity).digest("hex");
  const known = agents.get(key);
  if (known !== undefined) return known;
  const options = {
    keepAlive: true,
    maxSockets: CONNECTIONS[pool],
    // How long an unused connection is kept, and how long a proxy may take to open its tunnel.
    timeout: settings.connectTimeout,
    // Node gives each of several addresses 250 ms, less than a satellite's round trip.
    autoSelectFamilyAttemptTimeout: 1000,
    ...(proxy && { proxyEnv: proxy }),
  };
  const agent = secure
    ? new HttpsAgent({ ...options, rejectUnauthorized: !insecure, secureContext: secureContext(pems, insecure) })
    : new HttpAgent(options);
  agents.set(key, agent);
  const oldest = agents.keys().next().value;
  if (agents.size > KEPT && oldest !== undefined) agents.delete(oldest);
  return agent;
}

/** One context for all connections of an agent: parsing the machine's CAs takes 25 ms. A registry's own CAs come beside the machine's. */
function secureContext({ ca = [], cert, key }: TlsFiles, insecure: boolean): SecureContext {
  return createSecureContext({
    ...(!insecure && { ca: [...machineCertificates(), ...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
}

/** What the machine trusts (ca-certificates), as skopeo and podman do; what Node brings along where the machine has none. */
function machineCertificates(): readonly string[] {
  const system = getCACertificates("system");
  return [...new Set(system.length > 0 ? system : getCACertificates("bundled"))];
}

/** Go's clients, and so podman and docker, never send loopback through a proxy. */
function proxyEnvironment(hostname: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv | undefined {
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
  if (loopback) return undefined;
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  const found = names.flatMap((name) => (environment[name] ? [[name, environment[name]] as const] : []));
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}
