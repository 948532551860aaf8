import { arch } from "node:os";
import type { GivenPlacement } from "../pod/node-record.ts";
import type { Taint } from "../pod/tolerations.ts";
import { FORMATS } from "../spec/schema/format.ts";

/** Go's names of architectures, as Kubernetes has them. */
export const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

const EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** The labels that a kubelet gives its node, and those of PODRUN_NODE_LABELS (`KEY=VALUE,…`), which win. Throws TypeError. */
export function readNodeLabels(name: string, env: NodeJS.ProcessEnv = process.env): Readonly<Record<string, string>> {
  const given = split(env["PODRUN_NODE_LABELS"]).map((text): [string, string] => {
    const [key = "", value = "", ...more] = text.split("=");
    check("PODRUN_NODE_LABELS", text, FORMATS.labelKey(key) ?? FORMATS.labelValue(value) ?? superfluous(more));
    return [key, value];
  });
  return {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": ARCHITECTURES[arch()] ?? arch(),
    ...Object.fromEntries(given),
  };
}

/** PODRUN_NODE_TAINTS, as `kubelet --register-with-taints` takes them: `KEY=VALUE:EFFECT,KEY:EFFECT`. Throws TypeError. */
export function readNodeTaints(env: NodeJS.ProcessEnv = process.env): readonly Taint[] {
  return split(env["PODRUN_NODE_TAINTS"]).map((text) => {
    const [pair = "", effect = "", ...more] = text.split(":");
    const [key = "", value = "", ...rest] = pair.split("=");
    const wrong = FORMATS.labelKey(key) ?? FORMATS.labelValue(value) ?? superfluous([...more, ...rest]);
    check(
      "PODRUN_NODE_TAINTS",
      text,
      wrong ?? (EFFECTS.includes(effect) ? undefined : `its effect must be ${EFFECTS.join(", ")}`),
    );
    return { key, value, effect: effect as Taint["effect"] };
  });
}

/** What the environment gives this node. Throws TypeError. */
export const readNodePlacement = (name: string): GivenPlacement => ({
  labels: readNodeLabels(name),
  taints: readNodeTaints(),
});

const split = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

const superfluous = (more: readonly string[]): string | undefined =>
  more.length === 0 ? undefined : "want KEY=VALUE, and for a taint :EFFECT behind it";

function check(variable: string, text: string, problem: string | undefined): void {
  if (problem !== undefined) throw new TypeError(`${variable} has ${JSON.stringify(text)}: ${problem}`);
}
