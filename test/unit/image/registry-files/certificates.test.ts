import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createCertificatesReader } from "../../../../src/image/registry/certificates.ts";
import { testPlace } from "./place.ts";

function makeCertificate(folder: string): string {
  const file = join(folder, "made.crt");
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=test",
  ];
  execFileSync("openssl", [...args, "-keyout", join(folder, "made.key"), "-out", file], { stdio: "ignore" });
  return readFileSync(file, "utf8").trim();
}

const pem = makeCertificate(t.testdir({}));

t.test("authorities and the pair of a host are read, of the first folder that is there", async (t) => {
  const place = testPlace(t, {
    "etc/containers/certs.d/a.com:5000/one.crt": `${pem}\n${pem}`,
    "etc/containers/certs.d/a.com:5000/two.crt": pem,
    "etc/containers/certs.d/a.com:5000/me.cert": "the certificate",
    "etc/containers/certs.d/a.com:5000/me.key": "the key",
    "etc/containers/certs.d/a.com:5000/readme": "not read",
    "etc/docker/certs.d/b.com/ca.crt": pem,
    "etc/docker/certs.d/a.com:5000/ca.crt": "not read",
  });
  const read = createCertificatesReader(place);
  t.strictSame(await read("a.com:5000"), { ca: [pem, pem, pem], cert: "the certificate", key: "the key" });
  t.strictSame(await read("b.com"), { ca: [pem] });
  t.strictSame(await read("a.com"), {});
  place.write("home/.config/containers/certs.d/b.com/none", "");
  t.strictSame(await read("b.com"), {}, "the user's folder counts alone");
  const named = createCertificatesReader({ ...place, env: { PODRUN_CERTS_DIR: join(place.etc, "docker/certs.d") } });
  t.strictSame(await named("b.com"), { ca: [pem] });
});

t.test("half a pair and a file without a certificate are named", async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["x.cert", "c", /x\.cert: .*x\.key must be there with it; an authority's certificate is called NAME\.crt/],
    ["x.key", "k", /x\.key: .*x\.cert must be there with it/],
    ["x.crt", "nothing", /x\.crt: there is no certificate in it/],
    [
      "x.crt",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      /x\.crt: a certificate in it cannot be read/,
    ],
    ["x.crt/y", "", /x\.crt: it is a folder/],
  ];
  for (const [name, content, message] of cases) {
    const place = testPlace(t, { [`etc/containers/certs.d/a.com/${name}`]: content });
    await t.rejects(createCertificatesReader(place)("a.com"), { code: "RegistryUnreachable", message }, name);
  }
  const place = testPlace(t, { "etc/containers/certs.d/a.com": "" });
  await t.rejects(createCertificatesReader(place)("a.com"), { message: /folder cannot be read \(ENOTDIR\)/ });
});
