import t from "tap";
import { formatLabel, parseContainerLabels, parseLabel } from "../../../src/linux/selinux.ts";

t.test("a label has three parts and a level, which has colons of its own", async (t) => {
  const whole = { user: "system_u", role: "system_r", type: "container_t", level: "s0:c1,c2" };
  t.strictSame(parseLabel("system_u:system_r:container_t:s0:c1,c2"), whole);
  t.equal(formatLabel(whole), "system_u:system_r:container_t:s0:c1,c2");
  t.strictSame(parseLabel("u:r:t"), { user: "u", role: "r", type: "t", level: "" }, "a policy without levels");
  t.equal(formatLabel({ user: "u", role: "r", type: "t", level: "" }), "u:r:t");
  for (const text of ["", "kernel", "u:r", "u::t"]) t.equal(parseLabel(text), undefined, text);
});

t.test("a policy says in lxc_contexts what containers are labelled with", async (t) => {
  const text = `# comment
process = "system_u:system_r:container_t:s0"
content = "system_u:object_r:virt_var_lib_t:s0"
file = "system_u:object_r:container_file_t:s0"
ro_file="system_u:object_r:container_ro_file_t:s0"
sandbox_kvm_process = "system_u:system_r:svirt_qemu_net_t:s0"
`;
  t.strictSame(parseContainerLabels(text), {
    process: "system_u:system_r:container_t:s0",
    file: "system_u:object_r:container_file_t:s0",
    ro_file: "system_u:object_r:container_ro_file_t:s0",
  });
  t.strictSame(parseContainerLabels(""), {});
});
