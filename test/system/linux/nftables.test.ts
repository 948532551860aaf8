import { execFileSync } from "node:child_process";
import t from "tap";
import { Nft } from "../../../src/linux/nftables/index.ts";

const TABLE = `podrun_test_${process.pid}`;
const nft = new Nft();
t.teardown(() => {
  nft.run(`add table inet ${TABLE}; delete table inet ${TABLE}`);
  nft.close();
});

t.test("commands change the kernel's ruleset, and what is listed is what was made", async (t) => {
  nft.run(`add table inet ${TABLE}\nadd map inet ${TABLE} ports { type inet_service : ipv4_addr ; }`);
  nft.run(`add element inet ${TABLE} ports { 8080 : 10.99.0.2 }`);
  t.match(nft.list(`list map inet ${TABLE} ports`), /8080 : 10\.99\.0\.2/);
  t.match(execFileSync("nft", ["list", "tables"], { encoding: "utf8" }), TABLE);
});

t.test("lists come as JSON without the metainfo", async (t) => {
  nft.run(`add table inet ${TABLE}`);
  t.match(nft.listJson(`list table inet ${TABLE}`)[0], { table: { family: "inet", name: TABLE } });
  t.type(nft.list("list tables"), "string");
});

t.test("a failure has nft's own words, and nothing of the commands was done", async (t) => {
  nft.run(`add table inet ${TABLE}`);
  const commands = `add chain inet ${TABLE} made\nadd rule inet ${TABLE} absent accept`;
  t.throws(() => nft.run(commands), { code: "OperationFailed", message: /^nft: .*No such file or directory/ });
  t.notMatch(nft.list(`list table inet ${TABLE}`), /chain made/);
  t.throws(() => nft.run("nonsense"), /syntax error/);
});

t.test("an error does not stick to the next command", async (t) => {
  t.throws(() => nft.run("nonsense"));
  t.doesNotThrow(() => nft.run(`add table inet ${TABLE}`));
});
