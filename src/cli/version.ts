import { ApiError } from "../api/status.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";

export const command = defineCommand({
  usage: ["version [flags]"],
  about: "Show the version of this program and of the daemon, when one is running.",
  examples: [["this program's only", "podrun version --client"]],
  options: {
    client: { kind: "boolean", help: "do not ask the daemon" },
    output: { kind: "text", short: "o", value: "FORMAT", help: "json or yaml" },
  },
  run: async ({ options, connect }) => {
    if (options.output !== undefined && options.output !== "json" && options.output !== "yaml")
      throw new UsageError(`--output must be 'yaml' or 'json', not '${options.output}'`);
    const clientVersion = { gitVersion: `v${VERSION}`, nodeVersion: process.version };
    const serverVersion = options.client ? undefined : await askDaemon(connect);
    if (options.output !== undefined) {
      const { formatObject } = await import("./output/print.ts");
      const value = { clientVersion, ...(serverVersion === undefined ? {} : { serverVersion }) };
      process.stdout.write(await formatObject({ kind: options.output, text: "" }, value));
      return 0;
    }
    process.stdout.write(`Client Version: ${clientVersion.gitVersion}\n`);
    if (options.client) return 0;
    process.stdout.write(`Server Version: ${serverVersion?.gitVersion ?? "no daemon is running"}\n`);
    return 0;
  },
});

/** A version is no reason to start a daemon. */
async function askDaemon(
  connect: (options: { start: false }) => Promise<{ version(): Promise<{ gitVersion: string }> }>,
) {
  try {
    return await (await connect({ start: false })).version();
  } catch (error) {
    const isAbsent = error instanceof PodrunError && error.code === "DaemonUnreachable";
    if (!isAbsent || error instanceof ApiError || errnoOf(error.cause) !== undefined) throw error;
    return undefined;
  }
}
