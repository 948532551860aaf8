// Programs that keep accounts elsewhere (a keyring, a cloud's tokens): docker-credential-NAME, as docker and podman run them.
import { execa } from "execa";
import { PodrunError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Credentials } from "../types.ts";

const TIMEOUT = 10_000;
/** What helpers answer when they have no such account; the protocol has no code for it. */
const NOT_FOUND = /credentials not found/i;
/** The user name that says that the secret is an identity token. */
const TOKEN_USER = "<token>";
/** The name under which docker's helpers keep Docker Hub; others have the plain one. */
const DOCKER_HUB = ["https://index.docker.io/v1/", "docker.io"];

/** For errors: which file wants which helper for which registry. */
export interface HelperRequest {
  readonly helper: string;
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly file: string;
}

/** Undefined: the helper has no account. Throws RegistryUnauthorized when it cannot be asked. */
export async function askHelper(request: HelperRequest): Promise<Credentials | undefined> {
  for (const server of serverNames(request)) {
    const output = await runHelper(request, "get", server);
    if (output === undefined) continue;
    const answer = parseAnswer(request, output);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

export async function storeWithHelper(request: HelperRequest, account: Credentials): Promise<void> {
  const [server] = serverNames(request);
  const record = { ServerURL: server, Username: account.username, Secret: account.password };
  await runHelper(request, "store", JSON.stringify(record));
}

/** False: it had none. */
export async function eraseWithHelper(request: HelperRequest): Promise<boolean> {
  const had = (await askHelper(request)) !== undefined;
  if (had) for (const server of serverNames(request)) await runHelper(request, "erase", server);
  return had;
}

const serverNames = ({ registry }: HelperRequest): readonly string[] =>
  registry === "docker.io" ? DOCKER_HUB : [registry];

/** Undefined: it has no such account. The input is on stdin: secrets are not seen in the list of processes. */
async function runHelper(request: HelperRequest, verb: string, input: string): Promise<string | undefined> {
  const program = `docker-credential-${request.helper}`;
  if (!/^[\w.-]+$/.test(request.helper)) throw helperError(request, `"${request.helper}" must be a plain name`);
  const result = await execa(program, [verb], { input, timeout: TIMEOUT, forceKillAfterDelay: 1000, reject: false });
  if (!result.failed) return result.stdout;
  if (NOT_FOUND.test(result.stdout) || NOT_FOUND.test(result.stderr)) return undefined;
  if (result.code === "ENOENT")
    throw helperError(request, `${program} is not installed, and must be on the daemon's PATH`);
  if (result.timedOut) throw helperError(request, `${program} ${verb} did not answer within ${TIMEOUT / 1000} s`);
  const reason = (result.stderr || result.stdout).trim().split("\n")[0] || result.shortMessage;
  throw helperError(request, `${program} ${verb} failed: ${reason}`);
}

function parseAnswer(request: HelperRequest, output: string): Credentials | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    answer = undefined;
  }
  const username = isJsonObject(answer) ? answer["Username"] : undefined;
  const secret = isJsonObject(answer) ? answer["Secret"] : undefined;
  if (typeof username !== "string" || typeof secret !== "string") {
    // Not the output itself: it may hold a secret.
    throw helperError(request, `docker-credential-${request.helper} get must answer with Username and Secret in JSON`);
  }
  if (username === "" && secret === "") return undefined;
  return username === TOKEN_USER
    ? { username: "", password: "", identityToken: secret }
    : { username, password: secret };
}

function helperError({ file, helper, registry }: HelperRequest, problem: string): PodrunError {
  return new PodrunError("RegistryUnauthorized", `${file}, credential helper for ${registry}: ${problem}`, {
    details: { file, helper, registry },
  });
}
