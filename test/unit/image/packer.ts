import { join } from "node:path";
import { PlanLayerPacker } from "../../../src/sandbox/layer-packer.ts";

/** Real plans under the test build of the monitor: needs root. */
export const packer = new PlanLayerPacker({
  binary: process.env["PODRUN_TEST_MONITOR"] ?? join(import.meta.dirname, "../../../build/podrun-monitor-test"),
});
