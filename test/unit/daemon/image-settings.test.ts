import t from "tap";
import { readCollectSettings } from "../../../src/daemon/image-settings.ts";

t.test("images are collected as by the kubelet, unless the environment says otherwise", async (t) => {
  t.same(readCollectSettings({}), { periodMillis: 300_000, high: 85, low: 80, minAgeMillis: 120_000 });
  const env = {
    PODRUN_IMAGE_GC_PERIOD: "0.5",
    PODRUN_IMAGE_GC_HIGH: "60",
    PODRUN_IMAGE_GC_LOW: "50",
    PODRUN_IMAGE_GC_MIN_AGE: "0",
  };
  t.same(readCollectSettings(env), { periodMillis: 500, high: 60, low: 50, minAgeMillis: 0 });
});

t.test("thresholds and times that make no sense are refused by their names", async (t) => {
  for (const [name, text] of [
    ["PODRUN_IMAGE_GC_PERIOD", "0"],
    ["PODRUN_IMAGE_GC_PERIOD", "soon"],
    ["PODRUN_IMAGE_GC_HIGH", "101"],
    ["PODRUN_IMAGE_GC_LOW", "90"],
    ["PODRUN_IMAGE_GC_MIN_AGE", ""],
  ] as const) {
    t.throws(
      () => readCollectSettings({ [name]: text }),
      { name: "TypeError", message: new RegExp(name) },
      `${name}=${text}`,
    );
  }
});
