// `create secret docker-registry|generic|tls NAME`: a Secret from flags and files, as kubectl makes it.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { PodrunError } from "../../base/errors.ts";
import { decodeKubeObject } from "../../spec/decode.ts";
import type { KubeObject } from "../../spec/pod.ts";
import { SECRET_TYPES } from "../../spec/secret.ts";
import { type OptionTable, type OptionValues, UsageError } from "../arguments.ts";
import { readSource } from "./data-files.ts";
import { DATA_OPTIONS, readData } from "./data-sources.ts";

export const SECRET_OPTIONS = {
  type: { kind: "text", value: "TYPE", help: "generic: the Secret's type" },
  ...DATA_OPTIONS,
  "docker-server": {
    kind: "text",
    value: "SERVER",
    default: "https://index.docker.io/v1/",
    help: "docker-registry: whose account it is",
  },
  "docker-username": { kind: "text", value: "USER", help: "docker-registry: the account" },
  "docker-password": { kind: "text", value: "PASSWORD", help: "docker-registry: its password" },
  "docker-email": { kind: "text", value: "EMAIL", help: "docker-registry: its address" },
  cert: { kind: "text", value: "PATH", help: "tls: the certificate, PEM" },
  key: { kind: "text", value: "PATH", help: "tls: its private key, PEM" },
} as const satisfies OptionTable;

type Options = OptionValues<typeof SECRET_OPTIONS> & { readonly namespace: string };
type Content = { readonly type: string; readonly data: ReadonlyMap<string, Buffer> };

/** `words`: what came after `secret`. Throws UsageError, BadRequest (a file), InvalidObject. No error shows a value. */
export function makeSecret(words: readonly string[], options: Options): KubeObject {
  const [kind = "", name, ...more] = words;
  const make = Object.hasOwn(MAKERS, kind) ? MAKERS[kind] : undefined;
  if (make === undefined)
    throw new UsageError(`want create secret ${Object.keys(MAKERS).join("|")} NAME${kind && `, not "${kind}"`}`);
  if (name === undefined || more.length > 0)
    throw new UsageError(`create secret ${kind} takes exactly one NAME, and got ${words.length - 1}`);
  const { type, data } = make(options);
  return decodeKubeObject({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: options.namespace },
    type,
    data: Object.fromEntries([...data].map(([key, value]) => [key, value.toString("base64")])),
  });
}

const MAKERS: Readonly<Record<string, (options: Options) => Content>> = {
  "docker-registry": makeDockerConfig,
  generic: makeGeneric,
  tls: makeTls,
};

function makeDockerConfig(options: Options): Content {
  const { "docker-server": server, "docker-username": username, "docker-password": password } = options;
  const type = SECRET_TYPES.dockerConfigJson;
  const [file, ...more] = options["from-file"];
  if (file !== undefined) {
    if (username !== undefined || password !== undefined || more.length > 0)
      throw new UsageError("want one --from-file, or --docker-username and --docker-password");
    const path = file.startsWith(".dockerconfigjson=") ? file.slice(".dockerconfigjson=".length) : file;
    return { type, data: new Map([[".dockerconfigjson", readSource(path)]]) };
  }
  if (username === undefined || password === undefined)
    throw new UsageError(
      "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
    );
  const email = options["docker-email"];
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const account = { username, password, ...(email !== undefined && { email }), auth };
  const config = JSON.stringify({ auths: { [server]: account } });
  return { type, data: new Map([[".dockerconfigjson", Buffer.from(config)]]) };
}

function makeGeneric(options: Options): Content {
  return { type: options.type ?? SECRET_TYPES.opaque, data: readData(options) };
}

function makeTls({ cert, key }: Options): Content {
  if (cert === undefined || key === undefined) throw new UsageError("key and cert must be specified: --cert and --key");
  const pair = { "tls.crt": readSource(cert), "tls.key": readSource(key) };
  checkPair(pair["tls.crt"], pair["tls.key"], { cert, key });
  return { type: SECRET_TYPES.tls, data: new Map(Object.entries(pair)) };
}

function checkPair(cert: Buffer, key: Buffer, paths: { readonly cert: string; readonly key: string }): void {
  const read = <T>(path: string, what: string, parse: () => T): T => {
    try {
      return parse();
    } catch (cause) {
      throw new PodrunError("BadRequest", `${path} holds no ${what} in PEM`, { cause, details: { path } });
    }
  };
  const certificate = read(paths.cert, "certificate", () => new X509Certificate(cert));
  const privateKey = read(paths.key, "private key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new PodrunError("BadRequest", `the private key ${paths.key} is not that of the certificate ${paths.cert}`);
}
