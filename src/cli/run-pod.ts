// The pod that `podrun run` makes of its flags.
import { decodePod } from "../spec/index.ts";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";

export interface RunFlags {
  readonly options: {
    readonly namespace: string;
    readonly image: string | undefined;
    readonly "image-pull-policy": string | undefined;
    readonly restart: string;
    readonly env: readonly string[];
    readonly labels: string | undefined;
    readonly annotations: readonly string[];
    readonly port: string | undefined;
    readonly privileged: boolean;
    readonly command: boolean;
    readonly stdin: boolean;
    readonly tty: boolean;
  };
  readonly positionals: readonly string[];
  readonly rest: readonly string[] | undefined;
}

/** Throws UsageError for flags that can't be read, and what decodePod throws. */
export function makePod({ options, positionals, rest }: RunFlags): Pod {
  const { name, image, words } = nameAndImage(positionals, options.image);
  const after = [...words, ...(rest ?? [])];
  if (options.command && after.length === 0) throw new UsageError("--command wants a command: -- COMMAND [ARGUMENT…]");
  const container = {
    name,
    image,
    ...(after.length === 0 ? {} : { [options.command ? "command" : "args"]: after }),
    ...(options.env.length === 0 ? {} : { env: options.env.map((text) => namedPair(text, "--env")) }),
    ...(options.port === undefined ? {} : { ports: [{ containerPort: portNumber(options.port) }] }),
    ...(options["image-pull-policy"] === undefined ? {} : { imagePullPolicy: options["image-pull-policy"] }),
    ...(options.privileged ? { securityContext: { privileged: true } } : {}),
    ...(options.stdin ? { stdin: true, stdinOnce: true } : {}),
    ...(options.tty ? { tty: true } : {}),
  };
  const labels = options.labels === undefined ? { run: name } : pairs(options.labels.split(","), "--labels");
  const annotations = pairs(options.annotations, "--annotations");
  return decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: options.namespace,
      labels,
      ...(options.annotations.length === 0 ? {} : { annotations }),
    },
    spec: { restartPolicy: options.restart, containers: [container] },
  });
}

/** `run NAME --image=IMAGE`, or `run IMAGE`: then the image's last part is the name. */
function nameAndImage(positionals: readonly string[], image: string | undefined) {
  const [first, ...words] = positionals;
  if (first === undefined) throw new UsageError("NAME is required for run: run NAME --image=IMAGE, or run IMAGE");
  if (image !== undefined) return { name: first, image, words };
  const name = (first.split("/").at(-1) ?? "")
    .replace(/[:@].*$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-");
  return { name, image: first, words };
}

function namedPair(text: string, flag: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new UsageError(`${flag}: "${text}" is no pair: want NAME=VALUE`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  const named = texts.filter((text) => text !== "").map((text) => namedPair(text, flag));
  return Object.fromEntries(named.map(({ name, value }) => [name, value]));
}

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`invalid argument "${text}" for "--port" flag: want 1 to 65535`);
  return Number(text);
}
