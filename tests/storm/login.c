/* A login through the module, and its namespaces; see storm.h. */
#include <ifaddrs.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "storm.h"

struct login {
	pam_handle_t *pamh;
};

struct where {
	uint64_t net, mnt, uts;
};

static struct where host;

static uint64_t inode(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		err(2, "%s", path);
	return st.st_ino;
}

static struct where where_now(void)
{
	return (struct where){inode("/proc/self/ns/net"), inode("/proc/self/ns/mnt"),
			      inode("/proc/self/ns/uts")};
}

void login_prepare(void)
{
	host = where_now();
}

/* There is no user for a conversation. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
		    void *data)
{
	(void)messages;
	(void)data;
	*responses = calloc((size_t)count, sizeof(**responses));
	return *responses ? PAM_SUCCESS : PAM_CONV_ERR;
}

static in_addr_t uplink_address(void)
{
	struct ifaddrs *all, *i;
	in_addr_t found = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET &&
		    !strcmp(i->ifa_name, "eth0"))
			found = ((const struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr;
	freeifaddrs(all);
	return found;
}

static void look(struct seen *seen)
{
	struct where now = where_now();

	seen->net = now.net;
	seen->mnt = now.mnt;
	seen->uts = now.uts;
	seen->address = 0;
	if (now.net == host.net || now.mnt == host.mnt || now.uts == host.uts) {
		seen->what = SEEN_ON_HOST;
		return;
	}
	seen->address = uplink_address();
	seen->what = seen->address ? SEEN_ISOLATED : SEEN_HALF;
}

struct login *login_open(const char *user, struct seen *seen)
{
	static const struct pam_conv conv = {converse, NULL};
	struct login *login = calloc(1, sizeof(*login));
	int result;

	*seen = (struct seen){.what = SEEN_REFUSED};
	if (!login)
		return NULL;
	result = pam_start(STORM_SERVICE, user, &conv, &login->pamh);
	if (result != PAM_SUCCESS)
		errx(2, "pam_start: %d", result);
	result = pam_open_session(login->pamh, PAM_SILENT);
	if (result == PAM_SUCCESS) {
		look(seen);
		return login;
	}
	pam_end(login->pamh, result);
	free(login);
	return NULL;
}

void login_close(struct login *login, struct seen *seen)
{
	int result = pam_close_session(login->pamh, PAM_SILENT);
	struct where now = where_now();

	pam_end(login->pamh, result);
	free(login);
	seen->closed = result == PAM_SUCCESS && now.net == host.net && now.mnt == host.mnt &&
		       now.uts == host.uts;
}

const char *seen_word(const struct seen *seen)
{
	static const char *const words[] = {"nothing", "refused", "on the host", "half isolated",
					    "isolated"};

	return words[seen->what];
}

void *shared_make(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	return memory;
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
