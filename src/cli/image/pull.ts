import { type Credentials, ImageClient, type PullPolicy } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand, type Invocation } from "../command.ts";
import { wordError } from "../report.ts";
import { makePullReporter } from "./pull-report.ts";
import { authFileOf, REGISTRY_OPTIONS, tlsVerifyOf } from "./registry-options.ts";

const POLICIES: readonly PullPolicy[] = ["always", "missing", "never"];

const OPTIONS = {
  quiet: { kind: "boolean", short: "q", help: "only the image's id" },
  platform: { kind: "text", value: "OS/ARCH", help: "linux/arm64, linux/arm/v7; else this machine's" },
  policy: {
    kind: "text",
    value: "POLICY",
    default: "always",
    help: "always: ask the registry; missing: only when it is not here; never: only look",
  },
  creds: { kind: "text", value: "USER[:PASSWORD]", help: "account at the registry, for this once" },
  ...REGISTRY_OPTIONS,
} as const;

export const command = defineCommand({
  usage: ["pull IMAGE… [flags]"],
  about: "Fetch images from their registries. An image that is here already costs no more than a look.",
  examples: [
    ["by tag: docker.io/library/nginx:latest", "podrun pull nginx"],
    ["by digest", "podrun pull example.com/app@sha256:0123…"],
    ["for another processor", "podrun pull --platform linux/arm64 nginx"],
    ["from a registry without TLS, as a user", "podrun pull --tls-verify=false --creds bob localhost:5000/app"],
    ["its id, for a script", "id=$(podrun pull -q nginx)"],
  ],
  options: OPTIONS,
  run: pullImages,
});

/** Goes on after one that fails. */
async function pullImages(invocation: Invocation<typeof OPTIONS>): Promise<number> {
  const { options, positionals, config, signal } = invocation;
  if (positionals.length === 0) throw new UsageError("want the name of at least one image");
  const policy = POLICIES.find((known) => known === options.policy);
  if (policy === undefined)
    throw new UsageError(`invalid argument "${options.policy}" for "--policy" flag: want ${POLICIES.join(", ")}`);
  const credentials = options.creds === undefined ? undefined : await readCredentials(options.creds);
  const [tlsVerify, authFile] = [tlsVerifyOf(invocation), authFileOf(invocation)];
  const client = new ImageClient(config);
  let failed = false;
  for (const reference of positionals) {
    const reporter = makePullReporter(reference, options.quiet);
    try {
      const body = { reference, platform: options.platform, policy, credentials, tlsVerify, authFile };
      const image = await client.pull(body, reporter.onProgress, signal);
      reporter.end(image);
      process.stdout.write(`${image.id.replace(/^sha256:/, "")}\n`);
    } catch (error) {
      reporter.end();
      if (positionals.length === 1) throw error;
      process.stderr.write(`${wordError(error)}\n`);
      failed = true;
    }
  }
  return failed ? 1 : 0;
}

async function readCredentials(text: string): Promise<Credentials> {
  const colon = text.indexOf(":");
  const username = colon === -1 ? text : text.slice(0, colon);
  if (username === "") throw new UsageError("--creds: want USER or USER:PASSWORD");
  if (colon !== -1) return { username, password: text.slice(colon + 1) };
  if (process.stdin.isTTY !== true)
    throw new UsageError("--creds: want USER:PASSWORD, for there is no terminal to ask for the password on");
  const { askSecret } = await import("../ask.ts");
  return { username, password: await askSecret("Password: ") };
}
