// The kernel's side of floor: mounts, cgroups, links, identity; each a few system calls, and `die` when one fails.
#pragma once
#include <linux/mount.h>
#include <stdint.h>
#include <sys/types.h>

#define MUST(call) ({ long r_ = (long)(call); if (r_ < 0) die(__FILE__, __LINE__, #call); r_; })

_Noreturn void die(const char *file, int line, const char *call);
uint64_t now(void); // CLOCK_MONOTONIC, nanoseconds
// One of 64 buffers in turn.
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
void write_file(const char *path, const char *data, int flags);

// ---- mounts; mounts are descriptors ----
#define NO_ACCESS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
int filesystem(const char *type, const char *options, unsigned attributes);
int copy_mount(const char *path);
void attach(int mount, int dir, const char *path);
void mount_on(const char *type, const char *options, unsigned attributes, int dir, const char *path);
void set_mount(int mount, unsigned attributes, unsigned propagation);
void mask(const char *path);
void read_only_again(const char *path);
void pivot(void); // into the working directory

// ---- cgroups: v2, or the v1 hierarchies that podrun joins ----
#define HIERARCHIES 5
extern const char *hierarchies[HIERARCHIES];
extern int hierarchy_count;
int cgroup_v2(void);
void cgroup_begin(const char *name);
void cgroup_make(const char *path, long memory, int shares, int filtered);
int cgroup_pause(const char *path); // v2: the leaf for pause; else -1
void cgroup_open(const char *path, int groups[HIERARCHIES]);
void cgroup_filter(int group);
void cgroup_join(const int groups[HIERARCHIES]);
void cgroup_remove(const char *path);

// ---- the link ----
int route_socket(void);
void network_outside(int socket, const char *link, int number);
void network_inside(int number);

// ---- processes ----
struct identity { uid_t uid; uint64_t capabilities; int no_new_privs, filtered; };
#define DEFAULT_CAPABILITIES 0xa80425fbULL // CHOWN … SETFCAP: src/linux/capabilities.ts
void read_programs(const char *work);
void become(struct identity identity);
void dumpable_off(void);
void die_with_parent(void);
// A child of the caller's parent; its pid is in *pid before it runs. Answers 0 in the child.
int start_process(uint64_t flags, int cgroup, pid_t *pid);
