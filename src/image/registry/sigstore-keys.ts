// The keys that policy.json names for sigstore's signatures.
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { errnoOf } from "../../base/errors.ts";
import { fileError } from "./config-file.ts";
import type { SigstoreRequirement } from "./policy-requirements.ts";

export interface PolicyKey {
  /** For errors. */
  readonly name: string;
  readonly key: KeyObject;
}

/** What sigstore signs with. */
const KINDS = ["ec", "rsa", "ed25519"];

/** Throws ImageRejected, naming `policy`, for one that is missing or no public key. */
export function readKeys(requirement: SigstoreRequirement, policy: string): Promise<readonly PolicyKey[]> {
  return Promise.all(
    requirement.keys.map(async (source) => {
      if ("data" in source) return parseKey(Buffer.from(source.data, "base64").toString("utf8"), "its keyData", policy);
      const text = await readFile(source.path, "utf8").catch((error: unknown) => {
        const problem = `the key ${source.path} that it names cannot be read (${errnoOf(error)})`;
        throw fileError("ImageRejected", policy, problem, error);
      });
      return parseKey(text, source.path, policy);
    }),
  );
}

/** Public keys only: of a private one or a certificate that lies there by mistake none is made. */
function parseKey(text: string, name: string, policy: string): PolicyKey {
  const fail = (problem: string, cause?: unknown) =>
    fileError("ImageRejected", policy, `the key ${name} that it names ${problem}`, cause);
  if (!/^-----BEGIN (RSA )?PUBLIC KEY-----/m.test(text))
    throw fail("is no public key in PEM (-----BEGIN PUBLIC KEY-----)");
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw fail(`can't be read: ${error instanceof Error ? error.message : error}`, error);
  }
  const kind = key.asymmetricKeyType ?? "";
  if (KINDS.includes(kind)) return { name, key };
  throw fail(`is of kind ${kind}; sigstore knows ${KINDS.join(", ")}`);
}
