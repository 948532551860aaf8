import t from "tap";
import { expandSubPath } from "../../../src/pod/sub-path.ts";

const mount = (part: object) => ({ name: "v", mountPath: "/v", ...part });
const ENV = [
  ["POD", "web"],
  ["UP", "../x"],
  ["ROOT", "/etc"],
  ["EMPTY", ""],
] as const;

t.test("variables are replaced in subPathExpr only, and the path is made plain", async (t) => {
  t.equal(expandSubPath(mount({}), ENV), undefined);
  t.equal(expandSubPath(mount({ subPath: "a/$(POD)" }), ENV), "a/$(POD)");
  t.equal(expandSubPath(mount({ subPathExpr: "a//$(POD)/./b/" }), ENV), "a/web/b");
  t.equal(expandSubPath(mount({ subPathExpr: "$$(POD)" }), ENV), "$(POD)");
  t.equal(expandSubPath(mount({ subPath: "." }), ENV), undefined, "the volume itself");
  t.equal(expandSubPath(mount({ subPathExpr: "$(EMPTY)" }), ENV), undefined);
});

t.test("a variable that there is not, and what leads out of the volume, is refused", async (t) => {
  const refused = (part: object, message: RegExp) =>
    t.throws(() => expandSubPath(mount(part), ENV), { code: "InvalidObject", message });
  refused({ subPathExpr: "a/$(NONE)" }, /^mount of volume "v": subPathExpr "a\/\$\(NONE\)": missing value for "NONE"$/);
  refused({ subPathExpr: "a/$(UP)" }, /"a\/\.\.\/x" must not contain "\.\."/);
  refused({ subPathExpr: "$(ROOT)" }, /"\/etc" must not be an absolute path/);
});
