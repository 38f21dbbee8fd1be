/*
 * Leases with any targets of links: "UID-TARGET NUL ADDRESS-TARGET NUL other-ADDRESS-TARGET". A uid
 * always gets a lease and keeps it, and never gets another uid's.
 */
#include <errno.h>

#include "fuzz.h"
#include "state/lease.h"

#define UID	   1000
#define PREFERRED  "n/address/10.9.3.233" /* of UID in the subnet below; others are as good */
#define NEIGHBOUR  "n/address/10.9.3.234"
#define TARGET_MAX 255

/* Returns the next target of the input. */
static void link_put(const char *path, const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\0', *size);
	size_t length = end ? (size_t)(end - *data) : *size;
	char target[TARGET_MAX + 1];

	(void)unlinkat(folder_open(), path, 0);
	snprintf(target, sizeof(target), "%.*s", (int)(length < TARGET_MAX ? length : TARGET_MAX),
		 (const char *)*data);
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	if (target[0] && symlinkat(target, folder_open(), path) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prefix subnet;
	uint32_t offset, again, other;
	int leases = folder_open();

	if (prefix_parse("10.9.0.0/16", &subnet) < 0)
		abort();
	if (files_remove_tree(leases, "n") < 0)
		abort();
	folder_add("n");
	folder_add("n/uid");
	folder_add("n/address");
	link_put("n/uid/1000", &data, &size);
	link_put(PREFERRED, &data, &size);
	link_put(NEIGHBOUR, &data, &size);
	(void)!lease_find(leases, "n", &subnet, UID, &offset);
	if (lease_take(leases, "n", &subnet, UID, &offset) < 0 ||
	    lease_find(leases, "n", &subnet, UID, &again) < 0 || again != offset)
		abort();
	if (lease_take(leases, "n", &subnet, UID + 1, &other) < 0 || other == offset)
		abort();
	if (lease_repair(leases, "n", &subnet) < 0 || lease_repair(leases, "n", &subnet) != 0)
		abort();
	if (lease_find(leases, "n", &subnet, UID, &again) < 0 || again != offset)
		abort();
	return 0;
}
