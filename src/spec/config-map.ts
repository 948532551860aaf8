// A ConfigMap as every module sees it: decoded.

import type { ObjectMeta } from "./metadata.ts";

export interface ConfigMap {
  apiVersion: "v1";
  kind: "ConfigMap";
  metadata: ObjectMeta;
  /** Text by key. Absent: none. */
  data?: Record<string, string>;
  /** Values in base64 (RFC 4648, padded). No key is in both. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}
