// `--change` of import: Dockerfile instructions that change an image's config (docker import --change).
import { PodrunError } from "../base/errors.ts";

type Config = Record<string, unknown>;

const INSTRUCTIONS: Readonly<Record<string, (config: Config, rest: string, change: string) => void>> = {
  CMD: (config, rest) => set(config, "Cmd", commandOf(rest)),
  ENTRYPOINT: (config, rest) => set(config, "Entrypoint", commandOf(rest)),
  ENV: (config, rest, change) => {
    const added = pairsOf(rest, change);
    const before = ((config["Env"] as string[] | undefined) ?? []).filter(
      (one) => !added.has(one.split("=")[0] as string),
    );
    config["Env"] = [...before, ...[...added].map(([name, value]) => `${name}=${value}`)];
  },
  LABEL: (config, rest, change) => {
    const labels = Object.fromEntries(pairsOf(rest, change));
    config["Labels"] = { ...(config["Labels"] as object | undefined), ...labels };
  },
  EXPOSE: (config, rest, change) => {
    for (const port of wordsOf(rest, change)) {
      if (!/^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/.test(port))
        throw wrong(change, `"${port}" is no port, such as 80 or 53/udp`);
      add(config, "ExposedPorts", port.includes("/") ? port : `${port}/tcp`);
    }
  },
  USER: (config, rest) => set(config, "User", rest),
  WORKDIR: (config, rest, change) => {
    const before = typeof config["WorkingDir"] === "string" ? config["WorkingDir"] : "/";
    const path = new URL(encodeURI(rest), `file://${encodeURI(before.endsWith("/") ? before : `${before}/`)}`).pathname;
    if (rest === "") throw wrong(change, "want a folder");
    config["WorkingDir"] = decodeURI(path);
  },
  STOPSIGNAL: (config, rest) => set(config, "StopSignal", rest),
  VOLUME: (config, rest, change) => {
    for (const path of listOf(rest) ?? wordsOf(rest, change)) add(config, "Volumes", path);
  },
};

/** The `config` object of an image config. Throws BadRequest, naming the change. */
export function applyChanges(changes: readonly string[]): object {
  const config: Config = {};
  for (const change of changes) {
    const [, name = "", rest = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(change) ?? [];
    const apply = INSTRUCTIONS[name.toUpperCase()];
    if (apply === undefined) {
      throw wrong(change, `"${name}" cannot be changed; ${Object.keys(INSTRUCTIONS).join(", ")} can`);
    }
    if (rest === "") throw wrong(change, `${name.toUpperCase()} wants a value`);
    apply(config, rest, change);
  }
  return config;
}

/** The exec form is a JSON list; anything else is the shell form. */
const commandOf = (rest: string): readonly string[] => listOf(rest) ?? ["/bin/sh", "-c", rest];

function listOf(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const list: unknown = JSON.parse(rest);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
  } catch {
    // Docker takes it for the shell form, too.
    return undefined;
  }
}

/** `A=b C="d e"`, or the old form `A b c`. */
function pairsOf(rest: string, change: string): ReadonlyMap<string, string> {
  const [, name = "", value = ""] = /^([^\s=]+)\s+([\s\S]+)$/.exec(rest) ?? [];
  if (name !== "") return new Map([[name, value]]);
  return new Map(
    wordsOf(rest, change).map((word) => {
      const at = word.indexOf("=");
      if (at < 1) throw wrong(change, `"${word}" is no NAME=VALUE`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** Words as a shell would have them: quotes and backslashes, nothing else. */
function wordsOf(rest: string, change: string): readonly string[] {
  const word = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs;
  const words = rest.match(word) ?? [];
  if (/\S/.test(rest.replace(word, ""))) throw wrong(change, "a quote in it does not end");
  return words.map((word) =>
    word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? "") : double.replace(/\\(["\\$`])/g, "$1"),
    ),
  );
}

function set(config: Config, field: string, value: unknown): void {
  config[field] = value;
}

function add(config: Config, field: string, key: string): void {
  config[field] = { ...(config[field] as object | undefined), [key]: {} };
}

function wrong(change: string, what: string): PodrunError {
  return new PodrunError("BadRequest", `change "${change}": ${what}`, { details: { change } });
}
