import { ImageClient } from "../../api/client-images.ts";
import { duration, UsageError } from "../arguments.ts";
import { confirm } from "../ask.ts";
import { defineCommand } from "../command.ts";
import { formatSize } from "../output/size.ts";

export const command = defineCommand({
  usage: ["image prune [flags]"],
  about: "Remove images that have no name, with -a all that no container uses.",
  examples: [
    ["what would go?", "podrun image prune -a --dry-run"],
    ["all that nothing has used for a day, without a question", "podrun image prune -a -f --filter until=24h"],
  ],
  options: {
    all: { kind: "boolean", short: "a", help: "all images that no container uses, not only those without a tag" },
    force: { kind: "boolean", short: "f", help: "do not ask" },
    yes: { kind: "boolean", short: "y", help: "do not ask" },
    filter: { kind: "list", value: "until=TIME", help: "used last before: 24h ago, or an RFC 3339 time" },
    "dry-run": { kind: "boolean", help: "only show what would go" },
  },
  run: async ({ options, positionals, config }) => {
    if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0]}": prune takes no names`);
    const untilSeconds = readUntil(options.filter, Date.now());
    const dryRun = options["dry-run"];
    const which = options.all ? "all images that no container uses" : "all images without a tag";
    const mayAct = dryRun || options.force || options.yes;
    if (!mayAct && !(await confirm(`This command removes ${which}.`, "--force"))) return 0;
    const removed = await new ImageClient(config).prune({ all: options.all, untilSeconds, dryRun });
    const ids = removed.deleted.map((id) => `${id.replace(/^sha256:/, "")}\n`).join("");
    const what = dryRun ? "Space that would be reclaimed" : "Total reclaimed space";
    process.stdout.write(`${ids}${what}: ${formatSize(removed.reclaimedBytes)}\n`);
    return 0;
  },
});

/** `until=24h` or `until=2026-11-21T00:00:00Z`, as seconds before now. Throws UsageError. */
export function readUntil(filters: readonly string[], now: number): number | undefined {
  let seconds: number | undefined;
  for (const filter of filters) {
    const text = /^until=(.+)$/.exec(filter)?.[1];
    if (text === undefined) throw new UsageError(`invalid filter "${filter}": prune knows until=TIME`);
    const at = /^\d{4}-/.test(text) ? Date.parse(text) : undefined;
    const millis = at === undefined ? duration(text, "--filter until") : now - at;
    if (millis === undefined || !(millis >= 0))
      throw new UsageError(`invalid filter "${filter}": want a duration such as 24h, or a time that has been`);
    seconds = Math.max(seconds ?? 0, Math.ceil(millis / 1000));
  }
  return seconds;
}
