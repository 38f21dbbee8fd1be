/*
 * Writes the helper's seccomp filter as a C array, at build time. See seccomp(2).
 *
 * An allow-list: what the helper does itself, and what nft(8) does, which set-up runs and which
 * inherits the filter. Everything else answers ENOSYS, so that a C library that tries a newer call
 * falls back to an older one. With the argument "kill" it ends the process: for the tests.
 *
 * The filter looks a bit up instead of comparing: the kernel compiles it at every start of the
 * helper, and what libseccomp makes of this list is four times as long and takes 65 us, not 25.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORDS  16 /* of 32 system calls each */
#define LOOKUP 9  /* instructions before and after the look-up of a word */
#define END    6

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
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
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
    /* harmless ones that this or another version of nft, or of its C library, may use */
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

/* Which numbers are allowed: a bit for each. */
static int numbers_read(uint32_t words[WORDS])
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number == __NR_SCMP_ERROR || number >= WORDS * 32) {
			fprintf(stderr, "generate: what number has %s?\n", allowed[i]);
			return -1;
		}
		/* Below 0: this architecture does not have it. */
		if (number >= 0)
			words[number / 32] |= UINT32_C(1) << number % 32;
	}
	return 0;
}

/* x = number % 32, a = words[number / 32]; then a >> x begins with the bit. */
static size_t filter_build(const uint32_t words[WORDS], uint32_t denied, struct sock_filter *code)
{
	const uint32_t arch = offsetof(struct seccomp_data, arch);
	const uint32_t number = offsetof(struct seccomp_data, nr);
	const uint8_t deny = LOOKUP + 3 * WORDS, test = deny + 1, kill = deny + END - 1;
	const struct sock_filter begin[LOOKUP] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0, kill - 2),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, kill - 4, 0), /* x32 */
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, WORDS * 32, deny - 5, 0),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 31),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 5),
	};
	const struct sock_filter end[END] = {
	    BPF_STMT(BPF_RET | BPF_K, denied),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, denied),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), /* another machine's call */
	};

	memcpy(code, begin, sizeof(begin));
	for (uint32_t i = 0; i < WORDS; i++) {
		struct sock_filter *at = code + LOOKUP + 3 * i;

		at[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 2);
		at[1] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, words[i]);
		at[2] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, test - (LOOKUP + 3 * i + 3));
	}
	memcpy(code + deny, end, sizeof(end));
	return deny + END;
}

int main(int argc, char **argv)
{
	int kill = argc > 1 && strcmp(argv[1], "kill") == 0;
	struct sock_filter code[LOOKUP + 3 * WORDS + END];
	uint32_t words[WORDS] = {0};
	size_t count;

	if (numbers_read(words) < 0)
		return 1;
	count =
	    filter_build(words, kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | ENOSYS, code);
	puts("/* Made by helper/sandbox/generate.c. */");
	puts("static struct sock_filter sandbox_filter[] = {");
	for (size_t i = 0; i < count; i++)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
	puts("};");
	return 0;
}
