/* pam-netns check: the conf file, and whether this host can do what it says. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "paths.h"
#include "resolv.h"
#include "text.h"

#define KERNEL_MAJOR 5 /* locked bridge ports came with 5.18 */
#define KERNEL_MINOR 18

static void finding(const char *kind, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	printf("%s: ", kind);
	text_print(stdout, text);
	putchar('\n');
}

void check_problem(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding("problem", format, args);
	va_end(args);
	check->problems++;
}

void check_warning(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding("warning", format, args);
	va_end(args);
	check->warnings++;
}

void check_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding("note", format, args);
	va_end(args);
}

static void check_kernel(struct check *check)
{
	struct utsname name;
	unsigned major, minor;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		check_warning(check, "cannot tell the kernel's version");
	else if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		check_problem(check,
			      "kernel %s has no locked bridge ports; %d.%d or later is needed",
			      name.release, KERNEL_MAJOR, KERNEL_MINOR);
}

/* Mounts reach users' views by propagation, which begins at a shared root. */
static void check_propagation(struct check *check)
{
	CLEANUP_FILE FILE *file = fopen(HOSTPROC "/1/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	char point[8];

	if (!file)
		file = fopen("/proc/1/mountinfo", "re");
	while (file && getline(&line, &room, file) > 0) {
		/* id, parent, device, root, mount point, options, then the optional fields */
		if (sscanf(line, "%*s %*s %*s %*s %7s", point) != 1 || strcmp(point, "/") != 0)
			continue;
		if (!strstr(line, " shared:"))
			check_warning(check, "/ is not a shared mount: what the host mounts later "
					     "does not appear for users who are in; run 'mount "
					     "--make-rshared /' at boot");
		return;
	}
	check_warning(check, "cannot read how / is mounted");
}

static void check_resolver(struct check *check)
{
	CLEANUP_FD int root = open(HOSTPROC "/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[RESOLV_TEXT_MAX];

	if (root < 0)
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < check->conf->networks_count; i++) {
		/* resolv_text() logs what is wrong and what to do. */
		if (resolv_text(root, &check->conf->networks[i], text)) {
			check_warning(check,
				      "users of network %s will not be able to resolve names",
				      check->conf->networks[i].name);
			return;
		}
	}
}

static const struct {
	void (*run)(struct check *check);
	bool root; /* reads what only root may */
} checks[] = {
    {check_kernel, false}, {check_installed, false},  {check_pam, false},     {check_sshd, true},
    {check_conf, false},   {check_propagation, true}, {check_resolver, true}, {check_sudoers, true},
    {check_network, true}, {check_live, true},	      {check_limits, true},   {check_outside, true},
    {check_leases, false},
};

static int check_host(const struct conf *conf)
{
	struct check check = {.conf = conf};
	bool is_root = geteuid() == 0;

	if (is_root && !check_host_enter())
		check_warning(&check, "cannot enter the host's network: what follows may be about "
				      "a user's");
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (is_root || !checks[i].root)
			checks[i].run(&check);
	}
	if (!is_root)
		puts(
		    "note: mounts, name servers, sudoers and firewall are looked at only for root");
	if (check.problems) {
		printf("%u problem%s, %u warning%s\n", check.problems,
		       check.problems == 1 ? "" : "s", check.warnings,
		       check.warnings == 1 ? "" : "s");
		return STATUS_FAILED;
	}
	if (check.warnings)
		printf("ok, with %u warning%s\n", check.warnings, check.warnings == 1 ? "" : "s");
	else
		puts("ok");
	return STATUS_FINE;
}

int command_check(const struct arguments *arguments)
{
	const char *path = arguments->operand ? arguments->operand : CONF_PATH;
	struct conf *conf = NULL;
	int status = STATUS_FINE;

	if (conf_read(path, &conf)) {
		printf("%s is not usable: no login goes through with it\n", path);
		return STATUS_FAILED;
	}
	if (arguments->operand)
		printf("%s: ok\n", path);
	else
		status = check_host(conf);
	conf_free(conf);
	return status;
}
