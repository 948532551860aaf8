import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { advertisedInterfaces, forwardingSettings, type Setting } from "./forwarding.ts";

/**
 * What the host lacks before it routes for pods, in the order in which it is to be set; empty: nothing. `proc`: where
 * procfs is, for tests.
 */
export function missingForwarding(proc = "/proc"): readonly Setting[] {
  const sys = join(proc, "sys");
  const ipv6 = existsSync(join(sys, "net/ipv6/conf/all/forwarding"));
  const interfaces = ipv6 ? advertisedInterfaces(readFileSync(join(proc, "net/ipv6_route"), "utf8")) : [];
  const settings = forwardingSettings(
    interfaces.map((name) => {
      const acceptRa = Number(readFileSync(join(sys, `net/ipv6/conf/${name}/accept_ra`), "utf8"));
      return { name, learnsRoutes: true, acceptRa };
    }),
    ipv6,
  );
  return settings.filter(({ path, value }) => readFileSync(join(sys, path), "utf8").trim() !== value);
}

/** Sets what {@link missingForwarding} finds, and returns it, for the log. Throws OperationFailed, naming the setting. */
export function applyForwarding(proc = "/proc"): readonly Setting[] {
  const missing = missingForwarding(proc);
  for (const { path, value, why } of missing) {
    try {
      writeFileSync(join(proc, "sys", path), value);
    } catch (error) {
      throw new PodrunError(
        "OperationFailed",
        `kernel setting ${path} cannot be set to ${value} (${errnoOf(error)}), and must be: ${why}; set it on the host: sysctl -w ${path.replaceAll("/", ".")}=${value}`,
        { details: { path, value, errno: errnoOf(error) }, cause: error },
      );
    }
  }
  return missing;
}
