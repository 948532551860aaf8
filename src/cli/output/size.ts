// Bytes as podman and docker show them: powers of 1000, three figures.
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `1460000` is `1.46 MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.6 would be rounded to a fourth figure.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`;
}
