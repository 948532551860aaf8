import type { Finding, SystemInfo } from "../api/client.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { formatObject } from "./output/print.ts";
import { resetSystem } from "./system-reset.ts";

const OPTIONS = {
  output: { kind: "text", short: "o", value: "FORMAT", help: "info, check: json or yaml" },
  repair: { kind: "boolean", help: "check: mend what is found" },
  yes: { kind: "boolean", short: "y", help: "reset: do not ask" },
} as const;

export const command = defineCommand({
  usage: ["system info [-o json]", "system check [--repair]", "system reset [--yes]", "system shutdown"],
  about:
    "Look after podrun itself: what it runs on, whether its records agree with the kernel, and how to remove everything.",
  examples: [
    ["daemon, kernel, cgroups and features", "podrun system info"],
    ["is anything left over or missing?", "podrun system check"],
    ["stop all pods and remove all state", "podrun system reset --yes"],
    ["end the daemon; pods go on, and the next command starts another", "podrun system shutdown"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const [verb, ...more] = invocation.positionals;
    const run = verb !== undefined && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (run === undefined || more.length > 0)
      throw new UsageError(
        `want one of: ${Object.keys(VERBS)
          .map((name) => `system ${name}`)
          .join(", ")}`,
      );
    const { output } = invocation.options;
    if (output !== undefined && output !== "json" && output !== "yaml")
      throw new UsageError(`output format "${output}" is not for system: want json or yaml, or none`);
    return run(invocation);
  },
});

type System = Invocation<typeof OPTIONS>;

const VERBS: Readonly<Record<string, (invocation: System) => Promise<number>>> = {
  info: showInfo,
  check,
  reset: resetSystem,
  shutdown: async ({ connect }) => {
    await (await connect({ start: false })).systemShutdown();
    return 0;
  },
};

async function showInfo({ connect, options }: System): Promise<number> {
  const info = await (await connect()).systemInfo();
  process.stdout.write(await formatOr(options.output, info, () => formatInfo(info)));
  return 0;
}

async function formatOr(output: string | undefined, value: object, format: () => string): Promise<string> {
  if (output !== "json" && output !== "yaml") return format();
  return formatObject({ kind: output, text: "" }, value);
}

/** Every field on a line, nested ones indented. */
export function formatInfo(info: SystemInfo): string {
  const lines: string[] = [];
  const visit = (value: object, indent: string): void => {
    const width = Math.max(0, ...Object.keys(value).map((name) => name.length));
    for (const [name, inner] of Object.entries(value)) {
      const isList = Array.isArray(inner);
      const feature = wordFeature(inner);
      if (feature !== undefined) lines.push(`${indent}${`${name}:`.padEnd(width + 1)} ${feature}`);
      else if (typeof inner === "object" && inner !== null && !isList) {
        lines.push(`${indent}${name}:`);
        visit(inner, `${indent}  `);
      } else lines.push(`${indent}${`${name}:`.padEnd(width + 1)} ${isList ? inner.join(", ") : String(inner)}`);
    }
  };
  visit(info, "");
  return `${lines.join("\n")}\n`;
}

/** `{available, needed, detail}` in a line. */
function wordFeature(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("available" in value)) return undefined;
  const detail = "detail" in value ? String(value.detail) : "";
  if (value.available === true) return detail === "" ? "available" : detail;
  const missing = "needed" in value && value.needed === true ? "MISSING" : "not there";
  return detail === "" ? missing : `${missing}: ${detail}`;
}

/** Exit code 0: clean, or mended. */
async function check({ connect, options }: System): Promise<number> {
  const findings = await (await connect()).systemCheck({ repair: options.repair });
  process.stdout.write(await formatOr(options.output, { findings }, () => formatFindings(findings, options.repair)));
  const left = options.repair ? findings.filter((finding) => finding.repaired !== true) : findings;
  return left.length === 0 ? 0 : 1;
}

export function formatFindings(findings: readonly Finding[], repair: boolean): string {
  if (findings.length === 0) return "clean: records and kernel agree\n";
  const lines = findings.map((finding) => {
    const mark = finding.repaired === true ? " (mended)" : repair ? " (not mended)" : "";
    return `${finding.kind} ${finding.object}: ${finding.message}${mark}\n`;
  });
  const hint = repair ? "" : `${findings.length} found. podrun system check --repair mends what can be mended.\n`;
  return lines.join("") + hint;
}
