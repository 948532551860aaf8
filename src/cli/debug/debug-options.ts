import type { Invocation } from "../command.ts";
import { DEFAULT_DETACH_KEYS } from "../detach-keys.ts";

export const PROFILES = ["general", "baseline", "restricted", "netadmin", "sysadmin", "legacy"] as const;
export type Profile = (typeof PROFILES)[number];

export const DEBUG_OPTIONS = {
  image: { kind: "text", value: "IMAGE", help: "the image of the debug container" },
  "image-pull-policy": { kind: "text", value: "POLICY", help: "Always, IfNotPresent or Never" },
  container: { kind: "text", short: "c", value: "NAME", help: "name of the debug container; else debugger-xxxxx" },
  target: { kind: "text", value: "CONTAINER", help: "see this container's processes" },
  profile: {
    kind: "text",
    value: "PROFILE",
    choices: PROFILES,
    default: "general",
    help: "its rights: general (it may trace processes), baseline, restricted, netadmin, sysadmin (privileged), legacy (none)",
  },
  "copy-to": { kind: "text", value: "NAME", help: "leave the pod alone, and debug a copy of it" },
  replace: { kind: "boolean", help: "with --copy-to: delete the original" },
  "share-processes": { kind: "boolean", default: true, help: "with --copy-to: containers see one another's processes" },
  "set-image": { kind: "text", value: "NAME=IMAGE,…", help: "with --copy-to: other images for containers; * is all" },
  "keep-labels": { kind: "boolean", help: "with --copy-to: the copy has the pod's labels" },
  "keep-annotations": { kind: "boolean", help: "with --copy-to: the copy has the pod's annotations" },
  "keep-liveness": { kind: "boolean", help: "with --copy-to: the copy has liveness probes" },
  "keep-readiness": { kind: "boolean", help: "with --copy-to: the copy has readiness probes" },
  "keep-startup": { kind: "boolean", help: "with --copy-to: the copy has startup probes" },
  "keep-init-containers": { kind: "boolean", default: true, help: "with --copy-to: the copy has init containers" },
  env: { kind: "list", value: "NAME=VALUE", help: "environment variable; may be repeated" },
  stdin: { kind: "boolean", short: "i", help: "pass standard input on" },
  tty: { kind: "boolean", short: "t", help: "give it a terminal" },
  attach: { kind: "boolean", help: "wait until it runs and connect to it; -i implies it" },
  quiet: { kind: "boolean", short: "q", help: "only the process's own output" },
  "detach-keys": { kind: "text", value: "KEYS", default: DEFAULT_DETACH_KEYS, help: "keys that leave it running" },
} as const;

export type Debug = Invocation<typeof DEBUG_OPTIONS>;
