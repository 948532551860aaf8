// Paths of fields as errors, sources and docs write them: spec.containers[0].image, metadata.labels["app.kubernetes.io/name"].

/** The path of a field of the object at `parent`; keys that are no plain word are quoted in brackets. */
export function fieldPath(parent: string, key: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}

/** The path of an element of the list at `parent`. */
export const elementPath = (parent: string, index: number): string => `${parent}[${index}]`;

/** The path of what contains `path`; the whole document is "". */
export function parentPath(path: string): string {
  const quoted = path.endsWith('"]') ? path.lastIndexOf('["') : -1;
  if (quoted >= 0) return path.slice(0, quoted);
  return path.slice(0, Math.max(0, path.lastIndexOf("."), path.lastIndexOf("[")));
}
