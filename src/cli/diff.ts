import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectClient } from "../api/client-objects.ts";
import { PodrunError } from "../base/errors.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { type Manifest, readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { formatObject } from "./output/print.ts";

export const command = defineCommand({
  usage: ["diff -f FILE…"],
  about:
    "Show what apply would change: the objects as they are beside what the manifests make of them. Exit code 0: nothing, 1: something, more: it could not be told. Values of Secrets are not shown.",
  examples: [
    ["one file", "podrun diff -f pod.yaml"],
    ["with another program", "KUBECTL_EXTERNAL_DIFF='diff -u --color' podrun diff -f pods/"],
  ],
  options: MANIFEST_OPTIONS,
  run: async ({ options, given, positionals, config }) => {
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}; want -f FILE`);
    const folder = mkdtempSync(join(tmpdir(), "podrun-diff-"));
    try {
      const { filename: files, recursive, namespace } = options;
      const manifests = await readManifests({ files, recursive, namespace, namespaceGiven: given.has("namespace") });
      const client = connectObjects(config);
      const [live, merged] = [mkdtempSync(join(folder, "LIVE-")), mkdtempSync(join(folder, "MERGED-"))];
      for (const manifest of manifests) await write(client, manifest, live, merged);
      return compare(live, merged);
    } catch (error) {
      // 1 is for a difference.
      const { reportError } = await import("./report.ts");
      return Math.max(2, reportError(error, { debug: false }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
});

async function write(client: ObjectClient, { object, raw }: Manifest, live: string, merged: string): Promise<void> {
  const { kind, apiVersion, metadata } = object;
  if (metadata.name === "") throw new PodrunError("BadRequest", "resource name may not be empty");
  const name = [apiVersion.replace("/", "."), kind, metadata.namespace, metadata.name].join(".");
  const before = await client.find(kind, metadata.namespace, metadata.name);
  const after = await client.apply(object, raw, { dryRun: true });
  const [shownBefore, shownAfter] = masked(before, after);
  const text = (one: object): Promise<string> => formatObject({ kind: "yaml", text: "" }, one);
  // One that is not there yet is an empty file, as kubectl has it.
  if (shownBefore !== undefined) writeFileSync(join(live, name), await text(shownBefore));
  writeFileSync(join(merged, name), await text(shownAfter));
}

/** Of a Secret it is shown which values are others, not what they are. */
function masked(before: KubeObject | undefined, after: KubeObject): [KubeObject | undefined, KubeObject] {
  if (after.kind !== "Secret") return [before, after];
  const old = before?.kind === "Secret" ? (before.data ?? {}) : {};
  const now = after.data ?? {};
  const mask = (data: Record<string, string>, other: Record<string, string>, mark: string) =>
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        !Object.hasOwn(other, key) || other[key] === value ? "***" : `*** (${mark})`,
      ]),
    );
  return [
    before?.kind === "Secret" ? { ...before, data: mask(old, now, "before") } : before,
    { ...after, data: mask(now, old, "after") },
  ];
}

/** As kubectl: `diff -u -N`, or what KUBECTL_EXTERNAL_DIFF names; the words behind it may be flags only. Throws OperationFailed. */
function compare(live: string, merged: string): number {
  const [program = "diff", ...flags] = (process.env["KUBECTL_EXTERNAL_DIFF"] || "diff -u -N").split(/\s+/);
  const { status, error } = spawnSync(program, [...flags, live, merged], { stdio: "inherit" });
  if (error) throw new PodrunError("OperationFailed", `${program} can't be run: ${error.message}`, { cause: error });
  return status ?? 2;
}
