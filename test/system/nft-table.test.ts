// The table in a network namespace of its own, through the nft program: what libnftables does with it is its own test.
import { execFileSync } from "node:child_process";
import t from "tap";
import {
  baseRuleset,
  foreignForwardDrops,
  leaseSpace,
  podElements,
  portElements,
  removeRuleset,
  tableDifferences,
  wholeRuleset,
} from "../../src/net/index.ts";

const namespace = `podrun-nft-${process.pid}`;
const config = { table: "podrun", cidr4: "10.77.0.0/16", cidr6: "fd77::/64", linkPrefix: "pr" };
const space = leaseSpace(config);
const [one, two] = [space.at(2), space.at(3)];

const nft = (commands: string): string =>
  execFileSync("ip", ["netns", "exec", namespace, "nft", "-j", commands]).toString();

/** As nft prints it where there is no /etc/protocols. */
const numeric = (commands: string): string =>
  execFileSync("ip", ["netns", "exec", namespace, "nft", "-j", "-p", commands]).toString();

t.before(() => execFileSync("ip", ["netns", "add", namespace]));
t.after(() => execFileSync("ip", ["netns", "delete", namespace]));
t.beforeEach(() => void nft("flush ruleset"));

t.test("a table that is not there is said to be missing", async (t) => {
  t.same(tableDifferences(nft, config, []), ["nftables table inet podrun: is missing"]);
});

t.test("the base table is what the check wants, also when it is made twice", async (t) => {
  nft(baseRuleset(config));
  nft(baseRuleset(config));
  t.same(tableDifferences(nft, config, []), []);
});

t.test("making the table again keeps the pods' elements", async (t) => {
  nft(baseRuleset(config));
  nft(podElements("podrun", one).add);
  nft(baseRuleset(config));
  t.same(tableDifferences(nft, config, [one]), []);
});

t.test("a pod's elements may be added and deleted twice", async (t) => {
  nft(baseRuleset(config));
  for (const pod of [one, two, one]) nft(podElements("podrun", pod).add);
  t.same(tableDifferences(nft, config, [one, two]), []);
  for (const pod of [one, one]) nft(podElements("podrun", pod).delete);
  t.same(tableDifferences(nft, config, [two]), []);
});

t.test("elements that lack, and those of nobody, are named", async (t) => {
  nft(baseRuleset(config));
  nft(podElements("podrun", one).add);
  const found = tableDifferences(nft, config, [two]).join("\n");
  t.match(found, `set pod4 lacks ${two.linkName} . 10.77.0.3`);
  t.match(found, `set pod6 has ${one.linkName} . fd77::2, which no pod holds`);
});

t.test("host ports are added and deleted twice, and one that leads nowhere or elsewhere is named", async (t) => {
  const port = (hostPort: number, hostIp = "") => ({ protocol: "TCP" as const, containerPort: 80, hostPort, hostIp });
  const pod = { ...one, ports: [port(8080), port(8443, "127.0.0.1"), port(8444, "fd00::1")] };
  nft(wholeRuleset(config, [pod]));
  nft(portElements("podrun", pod).add);
  t.same(tableDifferences(nft, config, [pod]), []);
  t.same(tableDifferences(numeric, config, [pod]), [], "also on a machine that has no names of protocols");
  const found = tableDifferences(nft, config, [{ ...one, ports: [port(9090)] }]).join("\n");
  t.match(found, "map hostport4 lacks tcp . 9090 : 10.77.0.2 . 80");
  t.match(found, "map hostport6 has tcp . 8080 : fd77::2 . 80, which no pod asks for");
  t.match(found, "map hostip4 has 127.0.0.1 . tcp . 8443 : 10.77.0.2 . 80");
  for (const again of [1, 2]) nft(portElements("podrun", pod).delete + "#".repeat(again));
  t.same(tableDifferences(nft, config, [one]), []);
  t.throws(
    () =>
      nft(
        portElements("podrun", { ...two, ports: [port(8081)] }).add +
          portElements("podrun", { ...one, ports: [port(8081)] }).add,
      ),
    /File exists/,
  );
});

t.test("a rule that somebody added, and a chain that is empty, are found and mended", async (t) => {
  nft(baseRuleset(config));
  nft("flush chain inet podrun source");
  nft("add rule inet podrun forward drop");
  t.equal(tableDifferences(nft, config, []).length, 2);
  nft(baseRuleset(config));
  t.same(tableDifferences(nft, config, []), []);
});

t.test("after a flush the whole table comes back with its pods", async (t) => {
  nft(wholeRuleset(config, [one, two]));
  nft("flush ruleset");
  nft(wholeRuleset(config, [one, two]));
  t.same(tableDifferences(nft, config, [one, two]), []);
});

t.test("removing the table is fine when there is none", async (t) => {
  nft(baseRuleset(config));
  nft(removeRuleset("podrun"));
  nft(removeRuleset("podrun"));
  t.same(JSON.parse(nft("list tables")).nftables.length, 1, "only the metainfo");
});

t.test("another table's policy drop in forward is named, ours and an accept are not", async (t) => {
  nft(baseRuleset(config));
  nft("add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }");
  nft("add table ip quiet; add chain ip quiet f { type filter hook forward priority 0; policy accept; }");
  t.same(foreignForwardDrops(nft, "podrun"), [{ family: "ip", table: "filter", chain: "FORWARD" }]);
});
