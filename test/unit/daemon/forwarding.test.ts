import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import { advertisedInterfaces, applyForwarding, missingForwarding } from "../../../src/daemon/forwarding.ts";

t.test("only default routes that the kernel learned by advertisement count", async (t) => {
  const zero = "0".repeat(32);
  const line = (destination: string, length: string, flags: string, name: string) =>
    `${destination} ${length} ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 ${flags} ${name}\n`;
  const routes = [
    line(zero, "00", "00450003", "eth0"),
    line(zero, "00", "00450003", "eth0"),
    line(zero, "00", "00000003", "static0"),
    line(`fd77${"0".repeat(28)}`, "40", "00450003", "prefix0"),
    line(zero, "00", "00200200", "lo"),
  ].join("");
  t.same(advertisedInterfaces(routes), ["eth0"]);
  t.same(advertisedInterfaces(""), []);
});

function fakeProc(t: { teardown(clean: () => void): void }, values: Readonly<Record<string, string>>): string {
  const proc = mkdtempSync(join(tmpdir(), "podrun-proc-"));
  t.teardown(() => rmSync(proc, { recursive: true }));
  for (const [path, value] of Object.entries(values)) {
    mkdirSync(dirname(join(proc, path)), { recursive: true });
    writeFileSync(join(proc, path), value);
  }
  return proc;
}

t.test(
  "what is set already is left alone, what is not is set, and the second time there is nothing to do",
  async (t) => {
    const route = `${"0".repeat(32)} 00 ${"0".repeat(32)} 00 ${"0".repeat(32)} 0 0 0 00450003 eth0\n`;
    const proc = fakeProc(t, {
      "net/ipv6_route": route,
      "sys/net/ipv4/ip_forward": "1\n",
      "sys/net/ipv6/conf/all/forwarding": "0\n",
      "sys/net/ipv6/conf/eth0/accept_ra": "1\n",
    });
    t.same(
      applyForwarding(proc).map(({ path }) => path),
      ["net/ipv6/conf/eth0/accept_ra", "net/ipv6/conf/all/forwarding"],
    );
    t.equal(readFileSync(join(proc, "sys/net/ipv6/conf/eth0/accept_ra"), "utf8"), "2");
    t.same(missingForwarding(proc), []);
  },
);

t.test("a machine without IPv6 is asked for IPv4 only", async (t) => {
  const proc = fakeProc(t, { "sys/net/ipv4/ip_forward": "0\n" });
  t.same(
    missingForwarding(proc).map(({ path }) => path),
    ["net/ipv4/ip_forward"],
  );
});
