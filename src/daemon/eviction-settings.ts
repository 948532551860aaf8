import {
  DEFAULT_HARD,
  type EvictionSettings,
  parseDuration,
  parseGracePeriods,
  parseThresholds,
} from "../pod/index.ts";

/** The kubelet's: monitoringInterval in its source, evictionPressureTransitionPeriod. */
const PERIOD = "10s";
const TRANSITION = "5m";

/**
 * When pods are evicted: PODRUN_EVICTION_HARD, PODRUN_EVICTION_SOFT and PODRUN_EVICTION_SOFT_GRACE_PERIOD in the syntax of the
 * kubelet's flags (an empty PODRUN_EVICTION_HARD: for nothing), PODRUN_EVICTION_MAX_POD_GRACE_PERIOD in seconds,
 * PODRUN_EVICTION_PRESSURE_TRANSITION_PERIOD and PODRUN_EVICTION_PERIOD as durations. Throws TypeError.
 */
export function readEvictionSettings(env: NodeJS.ProcessEnv = process.env): EvictionSettings {
  const read = <T>(name: string, fallback: T, parse: (text: string) => T): T => {
    const text = env[name];
    try {
      return text === undefined ? fallback : parse(text.trim());
    } catch (error) {
      throw error instanceof TypeError ? new TypeError(`${name}: ${error.message}`) : error;
    }
  };
  const graces = read("PODRUN_EVICTION_SOFT_GRACE_PERIOD", parseGracePeriods(""), parseGracePeriods);
  const hard = read("PODRUN_EVICTION_HARD", DEFAULT_HARD, (text) => parseThresholds(text));
  const soft = read("PODRUN_EVICTION_SOFT", [], (text) => parseThresholds(text, graces));
  return {
    periodMillis: read("PODRUN_EVICTION_PERIOD", parseDuration(PERIOD), parsePeriod),
    thresholds: [...hard, ...soft],
    transitionMillis: read("PODRUN_EVICTION_PRESSURE_TRANSITION_PERIOD", parseDuration(TRANSITION), parseDuration),
    maxPodGraceSeconds: read("PODRUN_EVICTION_MAX_POD_GRACE_PERIOD", 0, parseSeconds),
  };
}

/** Ten times a second is often enough for everybody. */
function parsePeriod(text: string): number {
  const millis = parseDuration(text);
  if (millis < 100) throw new TypeError(`"${text}" is too often: want 100ms or more`);
  return millis;
}

function parseSeconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new TypeError(`"${text}": want a number of seconds`);
}
