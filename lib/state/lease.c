/* Leases as symbolic links: NETWORK/address/ADDRESS -> UID,
 * NETWORK/uid/UID -> ADDRESS. See lease.h. */
#include "state/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uid.h"
#include "state/lease_use.h"

#define FOLDER_MODE   0755
#define LINK_TEXT_MAX 64 /* longer than any valid target, with its NUL */
#define LINK_PATH_MAX 128

/* Paths are relative to LEASES_DIR. */
struct link_path {
	char text[LINK_PATH_MAX];
};

static struct link_path claim_path(const char *network, const char *address)
{
	struct link_path path;

	snprintf(path.text, sizeof(path.text), "%s/address/%s", network, address);
	return path;
}

static struct link_path back_path(const char *network, uid_t uid)
{
	struct link_path path;

	snprintf(path.text, sizeof(path.text), "%s/uid/%u", network, uid);
	return path;
}

static int network_check(const char *network, const struct prefix *subnet)
{
	if (!*network || *network == '.' || strchr(network, '/') ||
	    strlen(network) >= CONF_NAME_MAX)
		return log_errno(EINVAL, "keep leases of a network named '%s'", network);
	if (subnet->address.family != AF_INET)
		return log_errno(EAFNOSUPPORT, "keep leases of network %s", network);
	return 0;
}

/* -ENOENT: there is no such link. -EBADMSG: torn: too long, or no link at all. */
static int link_read(int leases, const char *path, char target[LINK_TEXT_MAX])
{
	ssize_t n = readlinkat(leases, path, target, LINK_TEXT_MAX);
	int error = n < 0 ? errno : 0;
	struct stat st;

	if (error == EINVAL && fstatat(leases, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISLNK(st.st_mode))
		return -EBADMSG;
	if (error)
		return -error;
	if (n == LINK_TEXT_MAX)
		return -EBADMSG;
	target[n] = '\0';
	return 0;
}

/* The uid of a claim. Errors as link_read(). */
static int claim_read(int leases, const char *path, uid_t *uid)
{
	char target[LINK_TEXT_MAX];
	int error = link_read(leases, path, target);

	if (error)
		return error;
	return uid_parse(target, uid) ? 0 : -EBADMSG;
}

/* An address in the form of address_format(): so one address has one name. */
static bool address_parse_exact(const char *text, struct address *out)
{
	char again[ADDRESS_TEXT_MAX];

	return address_parse(text, out) == 0 && out->family == AF_INET &&
	       !strcmp(address_format(out, again), text);
}

/* The address that the way back names, claimed or not. Errors as link_read(). */
static int back_read(int leases, const char *path, struct address *out)
{
	char target[LINK_TEXT_MAX];
	int error = link_read(leases, path, target);

	if (error)
		return error;
	return address_parse_exact(target, out) ? 0 : -EBADMSG;
}

/* The place of an address in a subnet; 0 if users cannot have it. */
static uint32_t address_offset(const struct prefix *subnet, const struct address *a)
{
	uint32_t network = 0, address = 0;

	for (size_t i = 0; i < 4; i++) {
		network = network << 8 | subnet->address.bytes[i];
		address = address << 8 | a->bytes[i];
	}
	if (!prefix_contains(subnet, a) || address - network < 2 ||
	    address - network > prefix_last_offset(subnet))
		return 0;
	return address - network;
}

int lease_folder_open(void)
{
	CLEANUP_FD int lib = -1, leases = -1;
	int fd = files_open_listable(LEASES_DIR, 0755);

	if (fd >= 0)
		return fd;
	if (mkdir(LIB_DIR, 0755) < 0 && errno != EEXIST)
		return log_errno(errno, "make %s", LIB_DIR);
	lib = openat(AT_FDCWD, LIB_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	leases = lib < 0 ? -errno : files_make_dir(lib, "leases", 0755);
	if (leases < 0)
		return log_errno(-leases, "use %s", LEASES_DIR);
	fd = openat(leases, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? log_errno(errno, "open %s", LEASES_DIR) : fd;
}

int lease_find(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset)
{
	struct link_path back = back_path(network, uid), claim;
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	uid_t owner;
	int error = network_check(network, subnet);

	*offset = 0;
	if (error)
		return error;
	error = back_read(leases, back.text, &address);
	if (!error) {
		claim = claim_path(network, address_format(&address, text));
		error = claim_read(leases, claim.text, &owner);
	}
	if (error == -ENOENT || error == -EBADMSG)
		return -ENOENT;
	if (error)
		return log_errno(-error, "read %s/%s", LEASES_DIR, back.text);
	if (owner == uid)
		*offset = address_offset(subnet, &address);
	return *offset ? 0 : -ENOENT;
}

/* Removes whatever is there: a damaged disk may show a folder with contents. */
static int link_remove(int leases, const char *path)
{
	int error = files_remove_tree(leases, path);

	return error ? log_errno(-error, "remove %s/%s", LEASES_DIR, path) : 0;
}

static int folders_make(int leases, const char *network)
{
	CLEANUP_FD int folder = files_make_dir(leases, network, FOLDER_MODE);
	CLEANUP_FD int addresses = -1, uids = -1;

	if (folder < 0)
		return log_errno(-folder, "make the folder %s/%s", LEASES_DIR, network);
	addresses = files_make_dir(folder, "address", FOLDER_MODE);
	if (addresses < 0)
		return log_errno(-addresses, "make the folder %s/%s/address", LEASES_DIR, network);
	uids = files_make_dir(folder, "uid", FOLDER_MODE);
	if (uids < 0)
		return log_errno(-uids, "make the folder %s/%s/uid", LEASES_DIR, network);
	return 0;
}

/* 1: the address is the uid's; 0: it is another user's; or -errno. */
static int claim_make(int leases, const char *path, uid_t uid)
{
	char target[UID_TEXT_MAX];
	uid_t owner;
	int error;

	uid_format(uid, target);
	/* Tries once more if the claim was torn, or was released meanwhile. */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!symlinkat(target, leases, path))
			return 1;
		if (errno != EEXIST)
			return log_errno(errno, "make %s/%s", LEASES_DIR, path);
		error = claim_read(leases, path, &owner);
		if (!error)
			return owner == uid;
		if (error != -ENOENT && error != -EBADMSG)
			return log_errno(-error, "read %s/%s", LEASES_DIR, path);
		if (error == -EBADMSG) {
			log_warning("%s/%s is not a lease: removed", LEASES_DIR, path);
			if (link_remove(leases, path))
				break;
		}
	}
	return 0;
}

/* Claims the first free address from the preferred one on, wrapping at the subnet's end. */
static int claim_search(int leases, const char *network, const struct prefix *subnet, uid_t uid,
			uint32_t *offset)
{
	uint32_t last = prefix_last_offset(subnet);
	uint32_t at = prefix_preferred_offset(subnet, uid);

	for (uint32_t tried = 0; last >= 2 && tried < last - 1; tried++) {
		struct address address = prefix_address(subnet, at);
		char text[ADDRESS_TEXT_MAX];
		struct link_path path = claim_path(network, address_format(&address, text));
		int claimed = claim_make(leases, path.text, uid);

		*offset = at;
		if (claimed)
			return claimed < 0 ? claimed : 0;
		at = at == last ? 2 : at + 1;
	}
	*offset = 0;
	return -EADDRNOTAVAIL;
}

/* It may exist already if two processes take one uid's lease at the same time. */
static int back_make(int leases, const char *network, uid_t uid, const char *address)
{
	struct link_path path = back_path(network, uid);
	char target[LINK_TEXT_MAX];
	int error;

	if (!symlinkat(address, leases, path.text))
		return 0;
	error = errno;
	if (error == EEXIST && !link_read(leases, path.text, target) && !strcmp(target, address))
		return 0;
	return log_errno(error, "make %s/%s", LEASES_DIR, path.text);
}

static int folder_sync(int leases, const char *path)
{
	CLEANUP_FD int fd = openat(leases, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return log_errno(errno, "sync %s/%s", LEASES_DIR, path);
	return 0;
}

/* Syncs the links, and the folders themselves, which may be new. */
static int lease_sync(int leases, const char *network)
{
	struct link_path paths[] = {claim_path(network, "."), {""}, {""}, {"."}};

	snprintf(paths[1].text, sizeof(paths[1].text), "%s/uid", network);
	snprintf(paths[2].text, sizeof(paths[2].text), "%s", network);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int error = folder_sync(leases, paths[i].text);

		if (error)
			return error;
	}
	return 0;
}

/* Removes both links of a uid; the claim only if it is the uid's own. */
static int lease_forget(int leases, const char *network, uid_t uid)
{
	struct link_path back = back_path(network, uid), claim;
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	uid_t owner;
	int error = back_read(leases, back.text, &address), removed;

	if (error == -ENOENT)
		return 0;
	if (error && error != -EBADMSG)
		return log_errno(-error, "read %s/%s", LEASES_DIR, back.text);
	/* If the claim outlives its way back, lease_repair() finds it. The
	 * reverse would go unnoticed. */
	removed = link_remove(leases, back.text);
	if (error || removed)
		return removed;
	claim = claim_path(network, address_format(&address, text));
	if (claim_read(leases, claim.text, &owner) || owner != uid)
		return 0;
	return link_remove(leases, claim.text);
}

int lease_take(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX];
	int error = lease_find(leases, network, subnet, uid, offset);

	if (error != -ENOENT)
		return error;
	error = folders_make(leases, network);
	/* What remains of a torn lease, or of one in another subnet. */
	error = error ?: lease_forget(leases, network, uid);
	error = error ?: claim_search(leases, network, subnet, uid, offset);
	if (error)
		return error;
	address = prefix_address(subnet, *offset);
	error = back_make(leases, network, uid, address_format(&address, text));
	if (!error && *offset != prefix_preferred_offset(subnet, uid))
		error = lease_sync(leases, network);
	if (error) {
		struct link_path claim = claim_path(network, text);

		unlinkat(leases, claim.text, 0);
		*offset = 0;
	}
	return error;
}

int lease_restore(int leases, const char *network, const struct prefix *subnet, uid_t uid,
		  const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	uint32_t offset;
	int result = lease_find(leases, network, subnet, uid, &offset);

	if (result != -ENOENT)
		return result;
	if (!address_offset(subnet, address))
		return 0;
	result = folders_make(leases, network);
	result = result ?: lease_forget(leases, network, uid);
	result =
	    result
		?: claim_make(leases, claim_path(network, address_format(address, text)).text, uid);
	if (result == 1)
		result = back_make(leases, network, uid, text) ?: 1;
	return result;
}

int lease_release(int leases, const char *network, const struct prefix *subnet, uid_t uid)
{
	int error = network_check(network, subnet);

	return error ? error : lease_forget(leases, network, uid);
}

/* Is it certain? A temporary lack of memory must not remove anything. */
static bool link_torn(int error)
{
	return error == -ENOENT || error == -EBADMSG;
}

/* Is a way back sound: a uid's name, an address that this uid claims, a user's place? */
static bool back_is_sound(int leases, const char *network, const struct prefix *subnet,
			  const char *name)
{
	char text[ADDRESS_TEXT_MAX];
	struct link_path path;
	struct address address;
	uid_t uid, owner;
	int error;

	if (!uid_parse(name, &uid))
		return false;
	path = back_path(network, uid);
	error = back_read(leases, path.text, &address);
	if (error)
		return !link_torn(error);
	if (prefix_contains(subnet, &address) && !address_offset(subnet, &address))
		return false;
	path = claim_path(network, address_format(&address, text));
	error = claim_read(leases, path.text, &owner);
	return error ? !link_torn(error) : owner == uid;
}

/* Is a claim sound: an address's name, and its uid's way back leads to it? */
static bool claim_is_sound(int leases, const char *network, const struct prefix *subnet,
			   const char *name)
{
	struct link_path path = claim_path(network, name);
	struct address address, back;
	uid_t owner;
	int error;

	(void)subnet; /* back_is_sound() has checked it */
	if (!address_parse_exact(name, &address))
		return false;
	error = claim_read(leases, path.text, &owner);
	if (error)
		return !link_torn(error);
	path = back_path(network, owner);
	error = back_read(leases, path.text, &back);
	return error ? !link_torn(error) : address_equal(&address, &back);
}

typedef bool link_check(int leases, const char *network, const struct prefix *subnet,
			const char *name);

/* Removes unsound links in one of the two folders; returns the number, or -errno. */
static int folder_repair(int leases, const char *network, const struct prefix *subnet,
			 const char *folder, link_check *is_sound)
{
	CLEANUP_DIR DIR *stream = NULL;
	const struct dirent *entry;
	char path[LINK_PATH_MAX];
	int error, removed = 0;

	snprintf(path, sizeof(path), "%s/%s", network, folder);
	error = lease_links_open(leases, path, &stream);
	if (!stream)
		return error;
	while (errno = 0, entry = readdir(stream)) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, "..") ||
		    is_sound(leases, network, subnet, name))
			continue;
		error = files_remove_tree(dirfd(stream), name);
		if (error)
			return log_errno(-error, "remove %s/%s/%s", LEASES_DIR, path, name);
		log_warning("%s/%s/%s is not a lease: removed", LEASES_DIR, path, name);
		removed++;
	}
	return errno ? log_errno(errno, "list %s/%s", LEASES_DIR, path) : removed;
}

int lease_repair(int leases, const char *network, const struct prefix *subnet)
{
	int error = network_check(network, subnet), ways, claims;

	if (error)
		return error;
	ways = folder_repair(leases, network, subnet, "uid", back_is_sound);
	if (ways < 0)
		return ways;
	claims = folder_repair(leases, network, subnet, "address", claim_is_sound);
	return claims < 0 ? claims : ways + claims;
}
