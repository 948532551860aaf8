import { type CollectSettings, KUBELET_COLLECTION } from "../image/index.ts";

/**
 * When images are collected: PODRUN_IMAGE_GC_PERIOD and PODRUN_IMAGE_GC_MIN_AGE in seconds, PODRUN_IMAGE_GC_HIGH and
 * PODRUN_IMAGE_GC_LOW in per cent; the kubelet's defaults. HIGH 100: never. Throws TypeError for what makes no sense.
 */
export function readCollectSettings(env: NodeJS.ProcessEnv = process.env): CollectSettings {
  const seconds = (name: string, fallback: number): number => readNumber(env, name, fallback / 1000) * 1000;
  const settings = {
    periodMillis: seconds("PODRUN_IMAGE_GC_PERIOD", KUBELET_COLLECTION.periodMillis),
    high: readNumber(env, "PODRUN_IMAGE_GC_HIGH", KUBELET_COLLECTION.high, 100),
    low: readNumber(env, "PODRUN_IMAGE_GC_LOW", KUBELET_COLLECTION.low, 100),
    minAgeMillis: seconds("PODRUN_IMAGE_GC_MIN_AGE", KUBELET_COLLECTION.minAgeMillis),
  };
  if (settings.periodMillis === 0) throw new TypeError("PODRUN_IMAGE_GC_PERIOD is 0: want a number of seconds above 0");
  if (settings.low > settings.high) {
    throw new TypeError(
      `PODRUN_IMAGE_GC_LOW is ${settings.low} and PODRUN_IMAGE_GC_HIGH ${settings.high}: the low threshold must not be above the high one`,
    );
  }
  return settings;
}

function readNumber(env: NodeJS.ProcessEnv, name: string, fallback: number, most = 2_000_000): number {
  const text = env[name];
  if (text === undefined) return fallback;
  const number = Number(text);
  if (text.trim() === "" || !(number >= 0 && number <= most))
    throw new TypeError(`${name} is "${text}": want a number from 0 to ${most}`);
  return number;
}
