import t from "tap";
import { lookupUser } from "../../../src/image/passwd.ts";

const image = {
  reference: "test.local/app:1",
  passwd:
    "root:x:0:0:root:/root:/bin/sh\n# app:x:9:9\nbroken line\napp:x:1000:100:App:/home/app:/bin/sh\n1234:x:7:7::/seven:\nnohome:x:8:8:::\n",
  group: "root:x:0:\nusers:x:100:app\nwheel:x:10:root,app\nwheel2:x:10:app\n",
};

t.test("a user by name has its uid, its group, its supplementary groups and its home", async (t) => {
  t.same(lookupUser(image, "app"), { uid: 1000, gid: 100, groups: [10], home: "/home/app" });
});

t.test("a uid that passwd knows is that user, one that it does not know is group 0 at home in /", async (t) => {
  t.same(lookupUser(image, "1000"), lookupUser(image, "app"));
  t.same(lookupUser(image, "4711"), { uid: 4711, gid: 0, groups: [], home: "/" });
});

t.test("no user means root", async (t) => {
  t.match(lookupUser(image, ""), { uid: 0, gid: 0, groups: [10], home: "/root" });
  t.match(lookupUser({ reference: "x", passwd: "", group: "" }, ""), { uid: 0, gid: 0, home: "/" });
});

t.test("a group that is named counts, and the user's other groups do not", async (t) => {
  t.same(lookupUser(image, "app:wheel"), { uid: 1000, gid: 10, groups: [], home: "/home/app" });
  t.same(lookupUser(image, "app:55"), { uid: 1000, gid: 55, groups: [], home: "/home/app" });
  t.same(lookupUser(image, ":wheel"), { uid: 0, gid: 10, groups: [], home: "/root" });
});

t.test("a user whose name is a number is found by the name first", async (t) => {
  t.match(lookupUser(image, "1234"), { uid: 7, home: "/seven" });
});

t.test("a user without a home is at home in /", async (t) => {
  t.equal(lookupUser(image, "nohome").home, "/");
});

t.test("who is not there is refused with the image and the user", async (t) => {
  for (const user of ["nobody", "app:nogroup", "a:b:c", "-1", "4294967295", "99999999999", "#", "# app"]) {
    t.throws(
      () => lookupUser(image, user),
      { code: "InvalidImage", message: `image "test.local/app:1": user "${user}"` },
      user,
    );
  }
});

t.test("a line with a NUL in it is none: no variable could hold its home", async (t) => {
  const image = { reference: "x", passwd: "bad:x:7:7::/ro\0ot:\nroot:x:0:0::/ro\0ot:\n", group: "" };
  t.equal(lookupUser(image, "0").home, "/");
  t.throws(() => lookupUser(image, "bad"), { code: "InvalidImage" });
});
