import t from "tap";
import { probeFeatures, requireFeatures } from "../../../src/linux/kernel.ts";

t.test("this machine has what podrun needs, and every answer says what was found", async (t) => {
  const features = await probeFeatures();
  t.doesNotThrow(() => requireFeatures(features));
  for (const { name, detail } of features) t.not(detail, "", name);
  t.equal(new Set(features.map(({ name }) => name)).size, features.length);
});
