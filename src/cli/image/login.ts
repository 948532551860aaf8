import { ImageClient } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { ask, askSecret } from "../ask.ts";
import { defineCommand, type Invocation } from "../command.ts";
import { authFileOf, REGISTRY_OPTIONS, tlsVerifyOf } from "./registry-options.ts";

const OPTIONS = {
  username: { kind: "text", short: "u", value: "USER", help: "the account" },
  password: { kind: "text", short: "p", value: "PASSWORD", help: "its password, for everybody on this machine to see" },
  "password-stdin": { kind: "boolean", help: "read the password from standard input" },
  "get-login": { kind: "boolean", help: "only show who is logged in" },
  ...REGISTRY_OPTIONS,
} as const;

/** Whom `podrun pull nginx` asks. */
export const DEFAULT_REGISTRY = "docker.io";

export const command = defineCommand({
  usage: ["login [REGISTRY] [flags]"],
  about: "Log in to a registry (docker.io when none is named): the account is tried, then written to the auth file.",
  examples: [
    ["asks for user and password", "podrun login example.com"],
    ["in a script", "podrun login -u bob --password-stdin example.com < password-file"],
    ["who is logged in?", "podrun login --get-login example.com"],
  ],
  options: OPTIONS,
  run: login,
});

async function login(invocation: Invocation<typeof OPTIONS>): Promise<number> {
  const { options, positionals, config } = invocation;
  const [registry = DEFAULT_REGISTRY, ...more] = positionals;
  if (more.length > 0) throw new UsageError("want one registry, or none");
  const [authFile, tlsVerify] = [authFileOf(invocation), tlsVerifyOf(invocation)];
  const client = new ImageClient(config);
  if (options["get-login"]) {
    const user = await client.loggedIn(registry, authFile);
    if (user !== undefined) process.stdout.write(`${user}\n`);
    else process.stderr.write(`error: not logged into ${registry}\n`);
    return user === undefined ? 1 : 0;
  }
  checkFlags(invocation);
  const username = options.username || (await askUser(registry, () => client.loggedIn(registry, authFile)));
  const password = await readPassword(invocation);
  if (username === "" || password === "") throw new UsageError("want a user and a password, and neither may be empty");
  await client.login({ registry, username, password, authFile, tlsVerify });
  process.stdout.write("Login Succeeded!\n");
  return 0;
}

function checkFlags({ options }: Invocation<typeof OPTIONS>): void {
  const { username, password } = options;
  if (password !== undefined && options["password-stdin"])
    throw new UsageError("--password and --password-stdin exclude each other");
  if (options["password-stdin"] && username === undefined) throw new UsageError("--password-stdin needs --username");
  const isAsking = username === undefined || (password === undefined && !options["password-stdin"]);
  if (isAsking && process.stdin.isTTY !== true)
    throw new UsageError("there is no terminal to ask on: want --username and --password-stdin");
  if (password !== undefined)
    process.stderr.write("WARNING! With --password everybody on this machine can see it: use --password-stdin.\n");
}

async function askUser(registry: string, current: () => Promise<string | undefined>): Promise<string> {
  const known = await current();
  const answer = (await ask(`Username for ${registry}${known === undefined ? "" : ` (${known})`}: `)).trim();
  return answer === "" ? (known ?? "") : answer;
}

async function readPassword({ options }: Invocation<typeof OPTIONS>): Promise<string> {
  if (options.password !== undefined) return options.password;
  if (!options["password-stdin"]) return askSecret("Password: ");
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
