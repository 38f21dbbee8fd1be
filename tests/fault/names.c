/* Names of system calls, made from <sys/syscall.h>. */
#include <stddef.h>
#include <sys/syscall.h>

#include "inject.h"

#define NAME(name) {SYS_##name, #name},
static const struct {
	long number;
	const char *name;
} names[] = {
#include "names.h"
};

const char *syscall_name(long number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "?";
}
