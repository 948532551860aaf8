import { decodeBase64 } from "./base64.ts";
import type { ConfigMap } from "./config-map.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import { fieldPath } from "./path.ts";
import { invalid, type Problem, type Reading } from "./problem.ts";
import { CONFIG_MAP } from "./schema/config-map-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";
import { setField } from "./set-field.ts";
import { validateConfigMap } from "./validate-config-map.ts";

/** A ConfigMap, or its problems. */
export function readConfigMap(raw: unknown): Reading<ConfigMap> {
  const decoding = newDecoding();
  const decoded = decodeObject(CONFIG_MAP, raw, "", decoding) as unknown as ObjectValue<typeof CONFIG_MAP>;
  if (!decoding.sound) return { problems: decoding.problems };
  const { data = {}, binaryData: encoded = {}, ...rest } = decoded;
  const problems: Problem[] = [...decoding.problems];
  const binaryData: Record<string, string> = {};
  for (const [key, text] of Object.entries(encoded)) {
    const value = decodeBase64(text);
    if (value === undefined) problems.push(invalid(fieldPath("binaryData", key), NOT_BASE64));
    // Written anew: other writings of the same bytes (line ends in it) are not kept.
    else setField(binaryData, key, value.toString("base64"));
  }
  const map: ConfigMap = { ...rest, metadata: defaultMetadata(rest.metadata) };
  if (Object.keys(data).length > 0) map.data = data;
  if (Object.keys(binaryData).length > 0) map.binaryData = binaryData;
  problems.push(...validateConfigMap(map));
  return problems.length > 0 ? { problems } : { object: map, problems };
}

const NOT_BASE64 = "is not base64; encode the value (base64 -w0), or write text as it is under data";
