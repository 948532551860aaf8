import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { forwardingSettings, type Setting } from "../net/index.ts";

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
/** RTF_ADDRCONF (linux/ipv6_route.h): the kernel made the route from a router advertisement. */
const FROM_ADVERTISEMENT = 0x0004_0000;

/** The interfaces with a default route that the kernel learned by advertisement, from the text of /proc/net/ipv6_route. */
export function advertisedInterfaces(routes: string): readonly string[] {
  const names = routes.split("\n").flatMap((line) => {
    const [destination = "", length, , , , , , , flags = "0", name] = line.trim().split(/\s+/);
    const isDefault = /^0{32}$/.test(destination) && length === "00";
    const learned = (Number.parseInt(flags, 16) & FROM_ADVERTISEMENT) !== 0;
    return isDefault && learned && name !== undefined ? [name] : [];
  });
  return [...new Set(names)];
}
