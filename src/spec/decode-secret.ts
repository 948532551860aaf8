import { decodeBase64 } from "./base64.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import { fieldPath } from "./path.ts";
import { invalid, type Problem, type Reading } from "./problem.ts";
import { SECRET } from "./schema/secret-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";
import type { Secret } from "./secret.ts";
import { setField } from "./set-field.ts";
import { validateSecret } from "./validate-secret.ts";

/** A Secret, or its problems. `stringData` goes into `data` and wins there, as the API server merges it. */
export function readSecret(raw: unknown): Reading<Secret> {
  const decoding = newDecoding();
  const decoded = decodeObject(SECRET, raw, "", decoding) as unknown as ObjectValue<typeof SECRET>;
  if (!decoding.sound) return { problems: decoding.problems };
  const { data: encoded = {}, stringData = {}, ...rest } = decoded;
  const problems: Problem[] = [...decoding.problems];
  const data: Record<string, string> = {};
  for (const [key, text] of Object.entries(encoded)) {
    const value = decodeBase64(text);
    if (value === undefined) problems.push(invalid(fieldPath("data", key), NOT_BASE64));
    // Written anew: other writings of the same bytes (line ends in it) are not kept.
    else setField(data, key, value.toString("base64"));
  }
  for (const [key, text] of Object.entries(stringData))
    setField(data, key, Buffer.from(text, "utf8").toString("base64"));
  const secret: Secret = { ...rest, metadata: defaultMetadata(rest.metadata) };
  if (Object.keys(data).length > 0) secret.data = data;
  problems.push(...validateSecret(secret));
  return problems.length > 0 ? { problems } : { object: secret, problems };
}

const NOT_BASE64 = "is not base64; encode the value (base64 -w0), or write it as it is under stringData";
