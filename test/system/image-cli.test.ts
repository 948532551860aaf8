// The image commands, from the command line through the daemon to a real registry; the progress on a real terminal.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { HostileRegistry } from "./support/hostile-registry.ts";
import { layered } from "./support/images.ts";
import { type Instance, startInstance } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";
import { pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { Terminal } from "./support/terminal.ts";

t.setTimeout(300_000);

const onTerminal = (podrun: Instance, argv: readonly string[], size = { cols: 100, rows: 24 }): Terminal =>
  new Terminal(process.execPath, [...PROGRAM, ...argv], podrun.env, size);

/** What an emulator of so many rows shows after `text`: lines that have scrolled out, too. */
function shown(text: string, rows = 24): { readonly lines: readonly string[]; readonly cursorHidden: boolean } {
  const lines = [""];
  let [row, column, cursorHidden] = [0, 0, false];
  for (const [token, amount, verb] of text.matchAll(/\x1b\[\??(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+|\x1b/g)) {
    if (token === "\r") column = 0;
    else if (token === "\n") lines[++row] ??= "";
    else if (verb === "A") row = Math.max(row - Number(amount), lines.length - rows, 0);
    else if (verb === "K") lines[row] = (lines[row] ?? "").slice(0, column);
    else if (verb === "J") {
      lines.length = row + 1;
      lines[row] = (lines[row] ?? "").slice(0, column);
    } else if (verb === "l" || verb === "h") cursorHidden = verb === "l";
    else {
      const before = lines[row] ?? "";
      lines[row] = before.slice(0, column).padEnd(column) + token + before.slice(column + token.length);
      column += token.length;
    }
  }
  return { lines, cursorHidden };
}

async function setup(t: Test, layers: number) {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, { name: "team/app:1", ...layered(layers) });
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  return { registry, image, podrun, reference: `${registry.host}/team/app:1` };
}

t.test("on a terminal each layer is one line that is drawn over, and the id comes last", async (t) => {
  const { podrun, image, reference } = await setup(t, 5);
  await podrun.ok("version");
  const terminal = onTerminal(podrun, ["pull", reference]);
  t.equal(await terminal.end(), 0);
  const { lines, cursorHidden } = shown(terminal.text);
  t.notOk(cursorHidden);
  t.equal(lines[0], `Trying to pull ${reference}...`);
  t.equal(lines.length, 1 + 5 + 1 + 1 + 1 + 1, lines.join("\n"));
  for (const line of lines.slice(1, 6)) t.match(line, /^[0-9a-f]{12} {2}Done {12}[\d.]+ (B|kB|MB)$/);
  t.match(lines[6], /^5 layers: 5 done {3}/);
  t.match(lines[7], `Pulled ${reference}, `);
  t.equal(lines[8], image.id.replace("sha256:", ""));
  t.equal(lines[9], "");
});

t.test("120 layers on 24 lines leave nothing behind but the sum", async (t) => {
  const { podrun, reference } = await setup(t, 120);
  await podrun.ok("version");
  const terminal = onTerminal(podrun, ["pull", reference], { cols: 80, rows: 24 });
  t.equal(await terminal.end(), 0);
  const { lines } = shown(terminal.text);
  t.equal(lines.length, 5, lines.join("\n"));
  t.match(lines[1], /^120 layers: 120 done {3}/);
});

t.test("Ctrl-C cancels the pull, puts the cursor back and leaves nothing", async (t) => {
  const registry = await HostileRegistry.start(t);
  const { reference } = await registry.image("team/app", layered(2));
  // The first bytes of a layer come, the rest never does.
  registry.misbehave(/blobs/, (_request, response, content = Buffer.alloc(0)) => {
    if (content[0] === 0x7b) return false;
    response.writeHead(200, { "content-length": content.length }).write(content.subarray(0, 1));
    return true;
  });
  const podrun = startInstance(t, {
    env: registryEnv(t, [registry]),
  });
  await podrun.ok("version");
  const before = await podrun.ok("images", "-o", "json");
  const terminal = onTerminal(podrun, ["pull", reference]);
  await terminal.until("Downloading");
  terminal.type("\x03");
  t.equal(await terminal.end(), 130);
  t.match(terminal.text, "\x1b[?25h");
  t.equal(await podrun.ok("images", "-o", "json"), before);
});

t.test("from pull to rmi: every command does what podman users expect of it", async (t) => {
  const { podrun, image, reference, registry } = await setup(t, 3);
  const id = image.id.replace("sha256:", "");
  t.equal(await podrun.ok("pull", "-q", reference), `${id}\n`);
  const again = await podrun.podrun("pull", reference);
  t.match(again, { code: 0, stdout: `${id}\n`, stderr: `${reference} is up to date\n` });
  t.match(await podrun.ok("images", "--no-trunc", "app"), new RegExp(`${registry.host}/team/app +1 +${image.id} `));

  await podrun.ok("tag", reference, "mine:2", "other.example/x");
  const inspected = JSON.parse(await podrun.ok("inspect-image", "mine:2"));
  t.match(inspected, [{ Id: image.id, RepoTags: { length: 3 }, RootFS: { Layers: { length: 3 } } }]);

  const file = join(podrun.folder, "app.tar");
  await podrun.ok("save", "-o", file, "mine:2");
  t.match(await podrun.ok("rmi", "mine:2"), /^Untagged: docker.io\/library\/mine:2\n$/);
  t.match(await podrun.ok("rmi", "-f", id), new RegExp(`Untagged: other.example/x:latest\n(.*\n)*Deleted: ${id}\n$`));
  t.match(await podrun.podrun("rmi", "mine:2"), { code: 1, stderr: /NotFound/ });
  t.match(await podrun.podrun("inspect-image", reference), { code: 1, stdout: "[]\n" });

  t.equal(await podrun.ok("load", "-i", file), "Loaded image: docker.io/library/mine:2\n");
  t.equal(await podrun.ok("images", "-q", "--no-trunc", "mine"), `${image.id}\n`);
  await podrun.ok("rmi", "mine:2");
  writeFileSync(join(podrun.folder, "broken.tar"), readFileSync(file).subarray(0, 3000));
  t.match(await podrun.podrun("load", "-i", join(podrun.folder, "broken.tar")), {
    code: 1,
    stderr: /InvalidImage|Invalid/,
  });
  t.match(await podrun.podrun("save", "-o", file, "mine:2"), { code: 1, stderr: /NotFound/ });
});

t.test(
  "a registry that wants a password: login asks for it without showing it, and pulls work until logout",
  async (t) => {
    const registry = await startRegistry(t, { password: { user: "bob", password: "se cret" } });
    const { reference } = await pushImage(registry, { name: "app:1", ...layered(1) });
    const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
    t.match(await podrun.podrun("pull", reference), { code: 1, stderr: /Unauthorized/ });
    t.match(await podrun.podrun("pull", "-q", "--creds", "bob:se cret", reference), { code: 0 });
    const wrong = onTerminal(podrun, ["login", "-u", "bob", registry.host]);
    await wrong.until("Password: ");
    wrong.type("wrong\r");
    t.equal(await wrong.end(), 1);
    t.match(wrong.text, /Unauthorized/);
    const terminal = onTerminal(podrun, ["login", registry.host]);
    await terminal.until(`Username for ${registry.host}: `);
    terminal.type("bob\r");
    await terminal.until("Password: ");
    terminal.type("se cretx\x7f\r");
    t.equal(await terminal.end(), 0);
    t.match(terminal.text, "Login Succeeded!");
    t.notMatch(terminal.text, "cret");
    t.equal(await podrun.ok("login", "--get-login", registry.host), "bob\n");
    await podrun.ok("pull", "-q", reference);
    await podrun.ok("logout", registry.host);
    t.match(await podrun.podrun("pull", reference), { code: 1, stderr: /Unauthorized/ });
  },
);

t.test("prune asks at a terminal and does nothing without a yes", async (t) => {
  const { podrun, reference, image } = await setup(t, 1);
  await podrun.ok("pull", "-q", reference);
  const no = onTerminal(podrun, ["image", "prune", "-a"]);
  await no.until("[y/N] ");
  no.type("\r");
  t.equal(await no.end(), 0);
  t.match(await podrun.ok("images", "-q", "--no-trunc"), image.id);
  t.match(await podrun.ok("image", "prune", "-a", "--dry-run"), image.id.replace("sha256:", ""));
  const yes = onTerminal(podrun, ["image", "prune", "-a"]);
  await yes.until("[y/N] ");
  yes.type("y\r");
  t.equal(await yes.end(), 0);
  t.match(yes.text, /Total reclaimed space: /);
  t.notMatch(await podrun.ok("images", "-q", "--no-trunc"), image.id);
});

t.test("a root file system becomes an image, and an archive never goes to or comes from a terminal", async (t) => {
  const { podrun, reference } = await setup(t, 1);
  await podrun.ok("pull", "-q", reference);
  const tar = join(podrun.folder, "rootfs.tar");
  const { execFileSync } = await import("node:child_process");
  execFileSync("tar", [
    "-C",
    podrun.folder,
    "-cf",
    tar,
    "--exclude=root",
    "--exclude=run",
    "--exclude=rootfs.tar",
    ".",
  ]);
  const id = (await podrun.ok("import", "-c", "USER 7", "-m", "why", tar, "mine:1")).trim();
  t.match(id, /^sha256:[0-9a-f]{64}$/);
  t.equal(await podrun.ok("inspect-image", "mine:1", "-o", "jsonpath={.Config.User}"), "7");
  for (const [argv, said] of [
    [["save", reference], "refusing to save to a terminal"],
    [["load"], "cannot read an archive from a terminal"],
    [["import", "-"], "cannot read an archive from a terminal"],
  ] as const) {
    const terminal = onTerminal(podrun, argv);
    t.equal(await terminal.end(), 1);
    t.match(terminal.text, said);
  }
});
