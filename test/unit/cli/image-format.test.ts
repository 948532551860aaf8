import t from "tap";
import { historyRows } from "../../../src/cli/image/image-history.ts";
import { parseTemplate } from "../../../src/cli/output/go-template.ts";
import { runCommand, startFake } from "../api/fake.ts";
import { hex, listed } from "../api/fake-images.ts";
import { said } from "./said.ts";

t.setTimeout(60_000);

t.test("templates are read as Go reads them, as far as docker's users need it", (t) => {
  const image = {
    Id: "sha256:1",
    RepoTags: ["a:1", "b:2"],
    Config: { Env: ["A=1"], Labels: { "x.y/z": "label", empty: "" }, Cmd: null },
    Size: 12,
    Big: true,
  };
  const cases: Readonly<Record<string, string>> = {
    "{{.Id}}": "sha256:1",
    "{{ .Id }} has {{.Size}} bytes": "sha256:1 has 12 bytes",
    "{{.RepoTags}}": "[a:1 b:2]",
    "{{json .RepoTags}}": '["a:1","b:2"]',
    "{{.Config.Env | json}}": '["A=1"]',
    "{{json .}}": JSON.stringify(image),
    "{{len .RepoTags}}": "2",
    "{{index .RepoTags 1}}": "b:2",
    '{{index .Config.Labels "x.y/z"}}': "label",
    '{{index .Config.Labels "x.y/z" | upper}}': "LABEL",
    '{{join .RepoTags ", "}}': "a:1, b:2",
    "{{range .RepoTags}}<{{.}}>{{end}}": "<a:1><b:2>",
    "{{range .Config.Cmd}}x{{else}}none{{end}}": "none",
    "{{if .Big}}big{{else}}small{{end}}": "big",
    "{{if .Config.Cmd}}yes{{end}}": "",
    "a {{- .Size -}} b": "a12b",
    "{{.Size}}\\t{{.Big}}\\n": "12\ttrue\n",
    "{{.Config.Labels}}": "map[x.y/z:label empty:]",
    "{{.Config.Missing}}": "<no value>",
    '{{"{{"}}': "{{",
    plain: "plain",
  };
  for (const [template, want] of Object.entries(cases)) t.equal(parseTemplate(template)(image), want, template);
  const bad: Readonly<Record<string, RegExp>> = {
    "{{.Id": /must end with }}/,
    "{{}}": /an action is empty/,
    "{{end}}": /\{\{end\}\} stands without/,
    "{{if .Id}}": /need an \{\{end\}\}/,
    "{{printf .Id}}": /"printf" is not known here/,
    "{{.Id .Size}}": /".Id" is not known here/,
    "{{$x := 1}}": /"\$x" is not known here/,
  };
  for (const [template, message] of Object.entries(bad)) t.throws(() => parseTemplate(template), { message }, template);
  t.throws(() => parseTemplate("{{.Name}}")(image), { message: /no field \.Name: want one of \.Id, \.RepoTags/ });
  t.end();
});

t.test("images --format and inspect --format print what the template names, a line each", async (t) => {
  const fake = await startFake(t);
  fake.images.images = [listed("1", ["docker.io/library/web:1", "docker.io/library/web:2"]), listed("2", [])];
  said(t, await runCommand(fake, ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]), {
    stdout: "docker.io/library/web:1 111111111111\ndocker.io/library/web:2 111111111111\n<none>:<none> 222222222222\n",
  });
  said(t, await runCommand(fake, ["images", "--format", "table {{.ID}}\\t{{.Size}}", "web"]), {
    stdout: "IMAGE ID       SIZE\n111111111111   1.46 MB\n111111111111   1.46 MB\n",
  });
  said(t, await runCommand(fake, ["images", "--format", "{{.Name}}"]), { code: 1, stderr: /no field \.Name/ });
  const json = JSON.parse((await runCommand(fake, ["images", "--format", "json"])).stdout);
  t.match(json, [{ id: hex("1") }, { id: hex("2") }]);
  said(t, await runCommand(fake, ["image", "inspect", "-f", "{{.Id}} {{.Config.Env}}", hex("1"), hex("2")]), {
    stdout: `${hex("1")} [A=1]\n${hex("2")} [A=1]\n`,
  });
});

t.test("image exists says it by its exit code, and nothing else", async (t) => {
  const fake = await startFake(t);
  fake.images.images = [listed("1", ["docker.io/library/web:1"])];
  said(t, await runCommand(fake, ["image", "exists", hex("1")]), { code: 0, stdout: /^$/, stderr: /^$/ });
  said(t, await runCommand(fake, ["image", "exists", "gone"]), { code: 1, stdout: /^$/, stderr: /^$/ });
  said(t, await runCommand(fake, ["image", "exists"]), { code: 1, stderr: /want the name of one image/ });
});

t.test("image history shows the last step first, and sizes beside the steps that made layers", async (t) => {
  const fake = await startFake(t);
  fake.images.images = [listed("1", ["docker.io/library/web:1"])];
  const image = {
    ...(await fake.images.inspect(hex("1"))),
    LayerSizes: [1000, 2_000_000],
    History: [
      { created: "2026-01-01T00:00:00Z", created_by: "ADD rootfs.tar /" },
      { created_by: `RUN ${"x".repeat(60)}` },
      { created_by: "CMD\n[]", empty_layer: true, comment: "a \u001b[2Jcomment" },
      "nonsense",
    ],
  };
  const now = Date.parse("2026-01-08T00:00:00Z");
  t.same(historyRows(image, false, now), [
    ["111111111111", "N/A", "", "0 B", ""],
    ["<missing>", "N/A", "CMD []", "0 B", "a  [2Jcomment"],
    ["<missing>", "N/A", `RUN ${"x".repeat(40)}…`, "2 MB", ""],
    ["<missing>", "7 days ago", "ADD rootfs.tar /", "1 kB", ""],
  ]);
  t.equal(historyRows(image, true, now)[2]?.[2], `RUN ${"x".repeat(60)}`);
  t.equal(historyRows({ ...image, History: [] }, false, now).length, 2, "without a history, a row a layer");
  said(t, await runCommand(fake, ["image", "history", hex("1")]), {
    stdout: /^ID +CREATED +CREATED BY +SIZE +COMMENT$/m,
  });
});
