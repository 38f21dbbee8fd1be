/*
 * Writes the helper's seccomp filter as a C array, at build time: libseccomp needs longer than a
 * tenth of a login to build it, and the helper is static. See seccomp(2), seccomp_export_bpf(3).
 *
 * The filter is an allow-list of the calls of the helper itself, and of nft(8), which set-up
 * runs and which inherits the filter. All other calls return ENOSYS, so a C library that tries
 * a newer call falls back to an older one. With the argument "kill" the filter ends the
 * process instead: for tests.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILTER_MAX 4096

static const char *const allowed[] = {
    /* files */
    "access",
    "chdir",
    "chmod",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "getcwd",
    "getdents64",
    "ioctl",
    "lseek",
    "lstat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pread64",
    "pwrite64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "setxattr",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "umask",
    "unlink",
    "unlinkat",
    "write",
    "writev",
    /* memory */
    "brk",
    "madvise",
    "memfd_create",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    /* namespaces and mounts */
    "fsconfig",
    "fsmount",
    "fsopen",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "sethostname",
    "setns",
    "umount2",
    "uname",
    "unshare",
    /* sockets */
    "bind",
    "connect",
    "getsockname",
    "getsockopt",
    "poll",
    "ppoll",
    "recvfrom",
    "recvmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "socket",
    /* processes, signals, time */
    "alarm",
    "arch_prctl",
    "capget",
    "capset",
    "clock_gettime",
    "clock_nanosleep",
    "clone",
    "clone3",
    "execve",
    "exit",
    "exit_group",
    "fork",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "gettid",
    "gettimeofday",
    "getuid",
    "kill",
    "nanosleep",
    "pidfd_open",
    "pidfd_send_signal",
    "prctl",
    "prlimit64",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_setaffinity",
    "set_robust_list",
    "set_tid_address",
    "setresuid",
    "setresuid32",
    "setitimer",
    "setrlimit",
    "setsid",
    "sigaltstack",
    "sysinfo",
    "tgkill",
    "time",
    "timer_create",
    "timer_delete",
    "timer_settime",
    "vfork",
    "wait4",
    /* harmless calls that another version of nft, or of its C library, may use */
    "clock_getres",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "fallocate",
    "getgroups",
    "getpgrp",
    "getresgid",
    "getresuid",
    "getrusage",
    "pipe",
    "pipe2",
    "pselect6",
    "recvmmsg",
    "sched_yield",
    "select",
    "sendmmsg",
    "shutdown",
    "socketpair",
    "times",
    "utimensat",
};

static int filter_build(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number == __NR_SCMP_ERROR) {
			fprintf(stderr, "generate: libseccomp does not know %s\n", allowed[i]);
			return -1;
		}
		/* Below 0: this architecture does not have the call. */
		if (number >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) < 0)
			return -1;
	}
	/* A binary search instead of a list. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return 0;
}

static int filter_print(FILE *exported)
{
	struct sock_filter code[FILTER_MAX];
	size_t count;

	rewind(exported);
	count = fread(code, sizeof(code[0]), FILTER_MAX, exported);
	if (!count || count == FILTER_MAX)
		return -1;
	puts("/* Made by helper/sandbox/generate.c. */");
	puts("static const struct sock_filter sandbox_filter[] = {");
	/*
	 * This instruction does nothing, but the kernel's seccomp_is_const_allow() cannot follow
	 * it. So the kernel does not fill its cache of all calls, which would take longer than a
	 * helper's few hundred calls gain by it (BENCHMARKS).
	 */
	printf("\t{0x%02x, 0, 0, 0},\n", BPF_LDX | BPF_IMM);
	for (size_t i = 0; i < count; i++)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
	puts("};");
	return 0;
}

int main(int argc, char **argv)
{
	int kill = argc > 1 && strcmp(argv[1], "kill") == 0;
	scmp_filter_ctx filter =
	    seccomp_init(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS));
	FILE *exported = tmpfile();

	if (!filter || !exported || filter_build(filter) < 0 ||
	    seccomp_export_bpf(filter, fileno(exported)) < 0 || filter_print(exported) < 0) {
		fprintf(stderr, "generate: cannot build the filter\n");
		return 1;
	}
	fclose(exported);
	seccomp_release(filter);
	return 0;
}
