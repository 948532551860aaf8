// AppArmor, where the kernel has it: which profiles are loaded, and podrun's own default one.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

const ENABLED = "/sys/module/apparmor/parameters/enabled";
const LOADED = "/sys/kernel/security/apparmor/profiles";

/** Signals, tracing and files as Docker's and containerd's default have them; NAME stands for the profile's own name. */
const DEFAULT_PROFILE = `
profile NAME flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,
  # Who is not confined ends and looks into containers; they do so with one another only.
  signal (receive) peer=unconfined,
  signal (send,receive) peer=NAME,
  ptrace (readby,tracedby) peer=unconfined,
  ptrace (read,readby,trace,tracedby) peer=NAME,
  deny mount,
  # Settings and switches of the machine, should they be writable for once.
  deny /proc/{acpi,bus,driver,fs,irq,scsi,tty}/** w,
  deny /proc/{kcore,keys,mtrr,sysrq-trigger,timer_list} rwklx,
  deny /proc/sys/{abi,debug,dev,fs,sunrpc,user,vm}/** w,
  deny /proc/sys/kernel/[^smd]** w,
  deny /proc/sys/kernel/{sysrq,sched*,seccomp*,softlockup*,modprobe,modules_disabled,max_lock_depth,dmesg_restrict} w,
  deny /sys/{block,bus,class,dev,devices,hypervisor,kernel,module,power}/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/{firmware,devices/virtual/powercap,kernel/security}/** rwklx,
}
`;

/** What this machine has of AppArmor. */
export interface AppArmor {
  readonly enabled: boolean;
  /** The loaded default profile's name; undefined: `lack` says why there is none. */
  readonly defaultProfile: string | undefined;
  readonly lack: string;
  /** Whether a profile is loaded, now. */
  readonly isLoaded: (profile: string) => boolean;
}

export const NO_APPARMOR: AppArmor = {
  enabled: false,
  defaultProfile: undefined,
  lack: "the kernel of this machine has no AppArmor, or it is turned off",
  isLoaded: () => false,
};

/** Looks, and loads the default profile when it is not there yet. The profile's name has its content's digest. */
export function readAppArmor(): AppArmor {
  if (!readIfThere(ENABLED).startsWith("Y")) return NO_APPARMOR;
  const name = `podrun-default-${createHash("sha256").update(DEFAULT_PROFILE).digest("hex").slice(0, 8)}`;
  const lack = isLoaded(name) ? "" : load(DEFAULT_PROFILE.replaceAll("NAME", name));
  return { enabled: true, defaultProfile: lack === "" ? name : undefined, lack, isLoaded };
}

/** Why it could not be loaded; "": it is. */
function load(text: string): string {
  const { error, status, stderr } = spawnSync("apparmor_parser", ["--skip-cache", "--replace", "--quiet"], {
    input: text,
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  if (error && errnoOf(error) === "ENOENT")
    return "apparmor_parser is missing: install it with apt-get install apparmor";
  if (error) return `apparmor_parser: ${error.message}`;
  return status === 0 ? "" : `apparmor_parser: ${stderr.trim() || `exit code ${status}`}`;
}

/** Lines are `NAME (MODE)`. */
const isLoaded = (profile: string): boolean =>
  readIfThere(LOADED)
    .split("\n")
    .some((line) => line.slice(0, line.lastIndexOf(" (")) === profile);

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}
