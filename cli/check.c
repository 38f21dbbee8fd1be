/* pam-netns check: the conf file, and whether this host can do what it says. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "network_wanted.h"
#include "nft_path.h"
#include "obstacle.h"
#include "paths.h"
#include "resolv.h"
#include "text.h"

#define KERNEL_MAJOR 5 /* locked bridge ports came with 5.18 */
#define KERNEL_MINOR 18
#define RULES_MAX    (64U << 20) /* bytes; more of them cannot be read */

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

static void report_obstacle(void *context, const char *what, const char *remedy)
{
	check_warning(context, "%s: %s", what, remedy);
}

/* Starts nft without a shell and without this process's environment; the end to read, or -errno. */
static int rules_list(pid_t *pid)
{
	char *const words[] = {(char[]){"nft"}, (char[]){"list"}, (char[]){"ruleset"}, NULL};
	char *const environment[] = {NULL};
	CLEANUP_FD int from = -1;
	CLEANUP_FD int to = -1;
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	from = ends[0];
	to = ends[1];
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (!error)
		error = posix_spawn(pid, nft_path(), &actions, NULL, words, environment);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : steal_fd(&from);
}

/* The whole text in RULES_MAX bytes; false if nft failed. */
static bool rules_read(char *text)
{
	size_t size = 0;
	ssize_t got = 1;
	pid_t pid = -1;
	int from = rules_list(&pid), status;

	if (from < 0)
		return false;
	while (got > 0 && size < RULES_MAX - 1) {
		got = read(from, text + size, RULES_MAX - 1 - size);
		size += got > 0 ? (size_t)got : 0;
	}
	text[size] = '\0';
	close(from);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The rules of others that would drop our users' traffic. */
static void check_firewall(struct check *check)
{
	CLEANUP_FREE char *text = malloc(RULES_MAX);

	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!nft_path())
		check_problem(check, "nft is missing; install nftables");
	else if (!text || !rules_read(text))
		check_warning(check, "cannot read the firewall's rules with %s", nft_path());
	else if (obstacle_firewalls(run, check->conf, text, report_obstacle, check) < 0)
		check_warning(check, "cannot look through the firewall's rules");
}

static void check_changes(struct check *check)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char what[NETWORK_TEXT_MAX], remedy[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < check->conf->networks_count; i++)
		if (network_refuses(run, &check->conf->networks[i], what, remedy))
			check_problem(check, "%s: %s", what, remedy);
}

/* Addresses and routes of others in our subnets. */
static void check_overlaps(struct check *check)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct netlink route = {.fd = -1};

	if (netlink_open(&route, NETLINK_ROUTE) < 0 ||
	    obstacle_overlaps(run, &route, check->conf, report_obstacle, check) < 0)
		check_warning(check, "cannot read the host's routes");
	netlink_close(&route);
}

static const struct {
	void (*run)(struct check *check);
	bool root; /* reads what only root may */
} checks[] = {
    {check_kernel, false},     {check_installed, false}, {check_pam, false},
    {check_propagation, true}, {check_resolver, true},	 {check_sudoers, true},
    {check_firewall, true},    {check_overlaps, true},	 {check_changes, true},
    {check_outside, true},     {check_leases, false},
};

static int check_host(const struct conf *conf)
{
	struct check check = {.conf = conf};
	bool is_root = geteuid() == 0;

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
