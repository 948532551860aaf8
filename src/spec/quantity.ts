// Kubernetes quantities (apimachinery pkg/api/resource): a decimal number with a suffix: n u m (none) k M G T P E, Ki Mi Gi
// Ti Pi Ei, or an exponent (1e3).

import { PodrunError } from "../base/errors.ts";

/** A quantity, exactly, down to Kubernetes' smallest step; what is finer is rounded up, as Kubernetes does. */
export interface Quantity {
  /** In billionths. */
  readonly nano: bigint;
  /** In thousandths, rounded up. */
  readonly milli: bigint;
}

const GRAMMAR = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const NANO = 1_000_000_000n;
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/** Reads a quantity such as 500m, 1.5, 64Mi or 2e3. Throws InvalidObject on anything else. */
export function parseQuantity(text: string): Quantity {
  const match = text.length <= 64 ? GRAMMAR.exec(text) : null;
  if (match === null) {
    const shown = JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}...` : text);
    throw new PodrunError(
      "InvalidObject",
      `${shown} is not a quantity; write a number with an optional suffix, such as 500m, 2, 64Mi or 1G`,
    );
  }
  const [, sign, number = "", suffix = "", exponent = "0"] = match;
  const [whole = "", fraction = ""] = number.split(".");
  const shift = 9 - fraction.length + (DECIMAL[suffix] ?? 0) + Number(exponent);
  let nano = BigInt(whole + fraction || "0") << (BINARY[suffix] ?? 0n);
  nano = shift >= 0 ? nano * 10n ** BigInt(shift) : divideUp(nano, 10n ** BigInt(-shift));
  if (sign === "-") nano = -nano;
  return { nano, milli: divideUp(nano, 1_000_000n) };
}

/** What Kubernetes stores at most where the suffix is binary (apimachinery, maxAllowed). */
const MOST = (2n ** 63n - 1n) * NANO;

export interface Canonical {
  /** Rounded up to thousandths, as in every list of resources (SetDefaults_ResourceList). */
  readonly thousandths?: boolean | undefined;
}

/**
 * The one way in which Kubernetes writes a quantity (Quantity.CanonicalizeBytes): the largest suffix without a fraction, of the
 * kind that was given: 0.5 is 500m, 1024Mi is 1Gi, 1000000 is 1M. Throws InvalidObject.
 */
export function canonicalQuantity(text: string, { thousandths = false }: Canonical = {}): string {
  let { nano } = parseQuantity(text);
  const isBinary = text.endsWith("i");
  if (isBinary && nano > MOST) nano = MOST;
  if (thousandths) nano = divideUp(nano, 1_000_000n) * 1_000_000n;
  const size = nano < 0n ? -nano : nano;
  // What is below 1Ki or broken has no binary suffix.
  if (isBinary && size >= 1024n * NANO && nano % NANO === 0n) return formatBinary(nano / NANO);
  return formatDecimal(nano, /[eE][+-]?\d/.test(text));
}

function formatBinary(whole: bigint): string {
  const suffixes = ["", ...Object.keys(BINARY)];
  let number = whole;
  let index = 0;
  for (; number % 1024n === 0n && index < suffixes.length - 1; index++) number /= 1024n;
  return `${number}${suffixes[index]}`;
}

function formatDecimal(nano: bigint, hasExponent: boolean): string {
  if (nano === 0n) return "0";
  let number = nano;
  let exponent = -9;
  for (; number % 1000n === 0n; exponent += 3) number /= 1000n;
  if (exponent === 0) return String(number);
  const suffix = Object.keys(DECIMAL).find((name) => DECIMAL[name] === exponent);
  return `${number}${suffix === undefined || hasExponent ? `e${exponent}` : suffix}`;
}

/** Thousandths of a CPU in a quantity, rounded up: cpuMillis("0.5") is 500. */
export const cpuMillis = (quantity: Quantity | string): number => Number(toQuantity(quantity).milli);

/** Whole bytes in a quantity, rounded up: bytes("64Mi") is 67108864. At most Number.MAX_SAFE_INTEGER. */
export function bytes(quantity: Quantity | string): number {
  const whole = divideUp(toQuantity(quantity).nano, 1_000_000_000n);
  return Number(whole > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : whole);
}

/** Below 0, 0 or above 0, as a is less than, equal to or more than b. */
export function compareQuantities(a: Quantity | string, b: Quantity | string): number {
  const difference = toQuantity(a).nano - toQuantity(b).nano;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const toQuantity = (quantity: Quantity | string): Quantity =>
  typeof quantity === "string" ? parseQuantity(quantity) : quantity;

/** Rounds away from zero for positive numbers, towards zero for negative ones: never less than the number. */
function divideUp(number: bigint, by: bigint): bigint {
  const quotient = number / by;
  return number > 0n && number % by !== 0n ? quotient + 1n : quotient;
}
