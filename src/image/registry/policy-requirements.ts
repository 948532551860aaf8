// What policy.json may say, checked as strictly as containers/image does: containers-policy.json(5).

import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { fileError } from "./config-file.ts";
import { findDuplicateName, kindOf, parseJsonObject } from "./json-text.ts";

/** What a list of requirements comes to: all must hold. `signed`: only skopeo can say. A list: signatures to look for. */
export type Judgement = "accept" | "reject" | "signed" | readonly SigstoreRequirement[];

/** `sigstoreSigned` by keys, which podrun checks itself. */
export interface SigstoreRequirement {
  /** One of them must have signed: PEM files, or what such a file holds in base64. */
  readonly keys: readonly ({ readonly path: string } | { readonly data: string })[];
  readonly identity: SignedIdentity;
}

/** Which name a signature must be for; containers-policy.json(5), "identity_requirement". */
export interface SignedIdentity {
  readonly type: string;
  readonly dockerReference?: string;
  readonly dockerRepository?: string;
  readonly prefix?: string;
  readonly signedPrefix?: string;
}

export interface ParsedPolicy {
  readonly file: string;
  readonly default: Judgement;
  /** Of the transport `docker`, by scope; `""` is the transport's default. */
  readonly docker: ReadonlyMap<string, Judgement>;
}

interface FieldRule {
  readonly optional: readonly string[];
  /** Of these exactly one. */
  readonly oneOf?: readonly string[];
}

const IDENTITY: Readonly<Record<string, readonly string[]>> = {
  matchExact: [],
  matchRepoDigestOrExact: [],
  matchRepository: [],
  exactReference: ["dockerReference"],
  exactRepository: ["dockerRepository"],
  remapIdentity: ["prefix", "signedPrefix"],
};
const GPG_KEY_TYPES = ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"];
const REQUIREMENTS: Readonly<Record<string, FieldRule>> = {
  insecureAcceptAnything: { optional: [] },
  reject: { optional: [] },
  signedBy: { optional: ["keyType", "signedIdentity"], oneOf: ["keyPath", "keyPaths", "keyData"] },
  // The later ones are newer than skopeo 1.9.3: it refuses them itself, where such a requirement applies.
  sigstoreSigned: {
    optional: [
      "signedIdentity",
      "rekorPublicKeyPath",
      "rekorPublicKeyPaths",
      "rekorPublicKeyData",
      "rekorPublicKeyDatas",
    ],
    oneOf: ["keyPath", "keyData", "keyPaths", "keyDatas", "fulcio", "pki"],
  },
};

/** Throws ImageRejected: file, place in it, and what would be right. One mistake makes the whole file worthless. */
export function parsePolicy(text: string, file: string): ParsedPolicy {
  const root = parseJsonObject("ImageRejected", text, file);
  const twice = findDuplicateName(text);
  if (twice !== undefined)
    throw fileError(
      "ImageRejected",
      file,
      `line ${twice.line}: "${twice.name}" stands there twice in one object; it must be there once`,
    );
  const check = new Checker(file);
  check.names(root, ["default", "transports"], "at the top");
  if (root["default"] === undefined) throw check.error("default", `must be there, such as [{"type": "reject"}]`);
  const judged = new Map<string, ReadonlyMap<string, Judgement>>();
  for (const [transport, scopes] of Object.entries(check.object(root["transports"] ?? {}, "transports"))) {
    const at = `transports.${transport}`;
    const entries = Object.entries(check.object(scopes, at));
    judged.set(transport, new Map(entries.map(([scope, list]) => [scope, judge(check, list, `${at}["${scope}"]`)])));
  }
  return { file, default: judge(check, root["default"], "default"), docker: judged.get("docker") ?? new Map() };
}

function judge(check: Checker, raw: unknown, at: string): Judgement {
  if (!Array.isArray(raw) || raw.length === 0) {
    throw check.error(
      at,
      `must be a list of one requirement or more, it is ${Array.isArray(raw) ? "empty" : kindOf(raw)}`,
    );
  }
  const kinds = raw.map((requirement, index) => readRequirement(check, requirement, `${at}[${index}]`));
  if (kinds.includes("reject")) return "reject";
  const wanted = kinds.filter((kind) => kind !== "insecureAcceptAnything");
  const sigstore = wanted.filter((kind) => typeof kind !== "string");
  if (sigstore.length < wanted.length) return "signed";
  return sigstore.length === 0 ? "accept" : sigstore;
}

/** Its type, or what there is to check. */
function readRequirement(check: Checker, raw: unknown, at: string): string | SigstoreRequirement {
  const requirement = check.object(raw, at);
  const type = check.oneOf(requirement["type"], Object.keys(REQUIREMENTS), `${at}.type`);
  const { optional, oneOf = [] } = REQUIREMENTS[type] ?? { optional: [] };
  check.names(requirement, ["type", ...optional, ...oneOf], at);
  const given = oneOf.filter((name) => requirement[name] !== undefined);
  if (oneOf.length > 0 && given.length !== 1) throw check.error(at, `must have exactly one of ${oneOf.join(", ")}`);
  for (const name of given) checkKey(check, requirement[name], `${at}.${name}`);
  if (type === "signedBy") check.oneOf(requirement["keyType"], GPG_KEY_TYPES, `${at}.keyType`);
  if (requirement["signedIdentity"] !== undefined)
    checkIdentity(check, requirement["signedIdentity"], `${at}.signedIdentity`);
  return (type === "sigstoreSigned" && readSigstore(requirement)) || type;
}

/** Undefined: what it asks for beside keys, or in their place (a log's word, an authority's), is beyond podrun. */
function readSigstore(requirement: JsonObject): SigstoreRequirement | undefined {
  const texts = (one: string, many: string): readonly string[] =>
    [requirement[one] ?? [], requirement[many] ?? []].flat() as string[];
  const keys = [
    ...texts("keyPath", "keyPaths").map((path) => ({ path })),
    ...texts("keyData", "keyDatas").map((data) => ({ data })),
  ];
  const others = Object.keys(requirement).filter((name) => /^(rekor|fulcio|pki)/.test(name));
  if (keys.length === 0 || others.length > 0) return undefined;
  const identity = (requirement["signedIdentity"] ?? { type: "matchRepoDigestOrExact" }) as unknown as SignedIdentity;
  return { keys, identity };
}

/** The content of keys, `fulcio` and `pki` is skopeo's to judge. */
function checkKey(check: Checker, value: unknown, at: string): void {
  if (/Paths$|Datas$/.test(at)) {
    const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
    if (!isList) throw check.error(at, "must be a list of one text or more");
  } else if (/fulcio$|pki$/.test(at)) check.object(value, at);
  else check.text(value, at);
}

function checkIdentity(check: Checker, raw: unknown, at: string): void {
  const identity = check.object(raw, at);
  const type = check.oneOf(identity["type"], Object.keys(IDENTITY), `${at}.type`);
  const names = IDENTITY[type] ?? [];
  check.names(identity, ["type", ...names], at);
  for (const name of names) check.text(identity[name], `${at}.${name}`);
}

class Checker {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  error(at: string, problem: string): Error {
    return fileError("ImageRejected", this.#file, `${at} ${problem}`);
  }

  object(value: unknown, at: string): JsonObject {
    if (isJsonObject(value)) return value;
    throw this.error(at, `must be an object, it is ${kindOf(value)}`);
  }

  text(value: unknown, at: string): void {
    if (typeof value !== "string" || value === "")
      throw this.error(at, `must be a text, it is ${value === undefined ? "missing" : kindOf(value)}`);
  }

  oneOf(value: unknown, allowed: readonly string[], at: string): string {
    const found = allowed.find((name) => name === value);
    if (found !== undefined) return found;
    throw this.error(
      at,
      `must be one of ${allowed.join(", ")}; it is ${value === undefined ? "missing" : kindOf(value)}`,
    );
  }

  names(value: JsonObject, known: readonly string[], at: string): void {
    const strange = Object.keys(value).find((name) => !known.includes(name));
    if (strange !== undefined) throw this.error(at, `must not have "${strange}"; ${known.join(", ")} are known there`);
  }
}
