import koffi from "koffi";
import { loadLibrary } from "../libc.ts";

type Context = unknown;
interface ArgumentComparison {
  readonly arg: number;
  readonly op: number;
  readonly datum_a: bigint;
  readonly datum_b: bigint;
}

/** The part of libseccomp (seccomp.h) that compiling needs; 2.5 and later. Results below zero are negated errnos. */
export interface Libseccomp {
  readonly init: (action: number) => Context;
  readonly release: (context: Context) => void;
  readonly archNative: () => number;
  /** 0: no such architecture. */
  readonly archResolveName: (name: string) => number;
  readonly archAdd: (context: Context, architecture: number) => number;
  /** -1: the library doesn't know the call. Below that: it has no number on this architecture. */
  readonly syscallResolveName: (name: string) => number;
  readonly ruleAddArray: (
    context: Context,
    action: number,
    call: number,
    count: number,
    comparisons: readonly ArgumentComparison[],
  ) => number;
  readonly attributeSet: (context: Context, attribute: number, value: number) => number;
  readonly exportBpf: (context: Context, fd: number) => number;
}

let loaded: Libseccomp | undefined;

/** Throws LibraryMissing when libseccomp isn't installed. */
export function libseccomp(): Libseccomp {
  if (loaded) return loaded;
  const handle = loadLibrary("libseccomp.so.2", "libseccomp2");
  const context = koffi.pointer(koffi.opaque());
  const comparison = koffi.struct({ arg: "unsigned int", op: "int", datum_a: "uint64_t", datum_b: "uint64_t" });
  const list = koffi.pointer(comparison);
  loaded = {
    init: handle.func("seccomp_init", context, ["uint32_t"]),
    release: handle.func("seccomp_release", "void", [context]),
    archNative: handle.func("seccomp_arch_native", "uint32_t", []),
    archResolveName: handle.func("seccomp_arch_resolve_name", "uint32_t", ["str"]),
    archAdd: handle.func("seccomp_arch_add", "int", [context, "uint32_t"]),
    syscallResolveName: handle.func("seccomp_syscall_resolve_name", "int", ["str"]),
    ruleAddArray: handle.func("seccomp_rule_add_array", "int", [context, "uint32_t", "int", "unsigned int", list]),
    attributeSet: handle.func("seccomp_attr_set", "int", [context, "int", "uint32_t"]),
    exportBpf: handle.func("seccomp_export_bpf", "int", [context, "int"]),
  };
  return loaded;
}
