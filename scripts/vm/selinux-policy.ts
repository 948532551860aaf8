// A small SELinux policy for the VM, in the language of checkpolicy(8): one domain that may do all, and domains for containers
// that may use files of containers of their own categories. Classes and permissions that it does not name are allowed to all.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

/** In the kernel's order (security/selinux/include/initial_sid_to_string.h). */
const INITIAL =
  `kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet icmp_socket
  tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod policy
  scmp_packet devnull`.split(/\s+/);

const PROCESSES = new Set(["kernel", "init", "kmod"]);

const CLASSES = {
  process: "transition dyntransition",
  process2: "nnp_transition",
  file: "read write open execute entrypoint",
  dir: "read write open search",
  lnk_file: "read",
  filesystem: "associate",
};

/** container_t and reader_t are confined, and reader_t writes nothing; nobody becomes forbidden_t. */
const RULES = `
attribute domain;
attribute confined;
attribute files;
type kernel_t, domain;
type spc_t, domain;
type container_t, domain, confined;
type reader_t, domain, confined;
type forbidden_t, domain;
type file_t, files;
type proc_t, files;
type unlabeled_t, files;
type container_file_t, files;
type container_ro_file_t, files;
allow { kernel_t spc_t } { domain files }:file { read write open execute entrypoint };
allow { kernel_t spc_t } { domain files }:dir { read write open search };
allow { kernel_t spc_t } { domain files }:lnk_file read;
allow { kernel_t spc_t } { kernel_t spc_t confined }:process { transition dyntransition };
allow kernel_t container_t:process2 nnp_transition;
allow files files:filesystem associate;
allow confined container_file_t:file { read open execute entrypoint };
allow confined container_ro_file_t:file { read open execute };
allow confined { container_file_t proc_t self }:dir { read open search };
allow confined { container_file_t proc_t self }:lnk_file read;
allow confined { proc_t self }:file { read open };
allow container_t { container_file_t self }:file write;
allow container_t container_file_t:dir write;
role system_r;
role other_r;
role object_r;
role system_r types domain;
role other_r types confined;
role object_r types files;
allow system_r other_r;
user system_u roles { system_r other_r object_r } level s0 range s0 - s0:c0.c1023;
user other_u roles { system_r other_r object_r } level s0 range s0 - s0:c0.c1023;
`;

const FILE_SYSTEMS = `
fs_use_xattr ext4 system_u:object_r:file_t:s0;
fs_use_xattr overlay system_u:object_r:file_t:s0;
fs_use_trans tmpfs system_u:object_r:file_t:s0;
fs_use_trans devtmpfs system_u:object_r:file_t:s0;
fs_use_trans devpts system_u:object_r:file_t:s0;
fs_use_trans mqueue system_u:object_r:file_t:s0;
fs_use_task pipefs system_u:object_r:file_t:s0;
fs_use_task sockfs system_u:object_r:file_t:s0;
genfscon proc / system_u:object_r:proc_t:s0
genfscon sysfs / system_u:object_r:proc_t:s0
genfscon cgroup2 / system_u:object_r:proc_t:s0
genfscon selinuxfs / system_u:object_r:proc_t:s0
`;

function policyText(): string {
  const classes = Object.entries(CLASSES);
  const initial = (sid: string): string =>
    PROCESSES.has(sid)
      ? "system_u:system_r:kernel_t:s0"
      : `system_u:object_r:${sid === "unlabeled" ? "unlabeled_t" : "file_t"}:s0`;
  return [
    ...classes.map(([name]) => `class ${name}`),
    ...INITIAL.map((sid) => `sid ${sid}`),
    ...classes.map(([name, permissions]) => `class ${name} { ${permissions} }`),
    "sensitivity s0;",
    "dominance { s0 }",
    ...Array.from({ length: 1024 }, (_, number) => `category c${number};`),
    "level s0:c0.c1023;",
    "mlsconstrain file { read write open } ( l1 dom l2 or t1 != confined );",
    "mlsconstrain dir { read write open search } ( l1 dom l2 or t1 != confined );",
    "policycap nnp_nosuid_transition;",
    RULES,
    ...INITIAL.map((sid) => `sid ${sid} ${initial(sid)}`),
    FILE_SYSTEMS,
  ].join("\n");
}

/** Writes the policy as a kernel takes it (/sys/fs/selinux/load). Linux 6.1 takes versions up to 33. */
export function compilePolicy(path: string): void {
  const source = `${path}.conf`;
  writeFileSync(source, policyText());
  execFileSync("checkpolicy", ["-M", "-U", "allow", "-c", "31", "-o", path, source]);
}
