/*
 * clone3(2) by hand: the C library has no call that puts a child into a cgroup before glibc 2.39,
 * and vfork(3) cannot. What the library does around a fork is for children that go on with it; this
 * one only becomes another program.
 */
#include "call/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* AddressSanitizer would find what the child has left in its record of the stack. */
#if defined(__x86_64__) && defined(__LP64__) && !defined(__SANITIZE_ADDRESS__)

#define CHILD_STACK 16384

/*
 * A copy of the caller's page tables would be the longest part of a short call (BENCHMARKS). The
 * child may not return into a frame that the caller still needs, so it gets a stack of its own.
 */
static long clone_run(struct clone_args *arguments, void (*run)(void *), void *argument)
{
	_Alignas(16) char stack[CHILD_STACK]; /* the caller's frame stays: it waits */
	register void *passed __asm__("r8") = argument;
	long result;

	arguments->flags |= CLONE_VM | CLONE_VFORK;
	arguments->stack = (uintptr_t)stack;
	arguments->stack_size = sizeof(stack);
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t" /* the outermost frame */
			 "mov %%r8, %%rdi\n\t"
			 "call *%%rdx\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "0"((long)SYS_clone3), "D"(arguments), "S"(sizeof(*arguments)), "d"(run),
			   "r"(passed)
			 : "rcx", "r11", "cc", "memory");
	arguments->stack = 0; /* it ends with this function */
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

#else

static long clone_run(struct clone_args *arguments, void (*run)(void *), void *argument)
{
	long pid = syscall(SYS_clone3, arguments, sizeof(*arguments));

	if (pid == 0)
		run(argument);
	return pid;
}

#endif

pid_t call_clone(int cgroup, int *pidfd, void (*run)(void *argument), void *argument)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
				       .pidfd = (uintptr_t)pidfd,
				       .exit_signal = SIGCHLD,
				       .cgroup = (uint64_t)cgroup};

	return (pid_t)clone_run(&arguments, run, argument);
}
