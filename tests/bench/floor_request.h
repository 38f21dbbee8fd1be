/* Netlink requests of the floor: built by hand, without code of pam_netns. */
#ifndef PAM_NETNS_FLOOR_REQUEST_H
#define PAM_NETNS_FLOOR_REQUEST_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct requests {
	char data[4096];
	size_t used;
	struct nlmsghdr *last;
	unsigned sequence, acknowledged;
};

int netlink_socket(int protocol);
void requests_begin(struct requests *r, int type, int flags, const void *header, size_t size);
void requests_put(struct requests *r, int type, const void *value, size_t size);
void requests_put_u32(struct requests *r, int type, uint32_t value);
void requests_put_text(struct requests *r, int type, const char *value);
struct nlattr *requests_nest(struct requests *r, int type);
void requests_nest_end(struct requests *r, struct nlattr *nest);
/* Sends all with one call and reads each answer. An error ends the program. */
void requests_send(struct requests *r, int socket, const char *what);

/* RTM_NEWADDR, RTM_NEWNEIGH, RTM_NEWROUTE or RTM_DELROUTE, …; family by size of the address. */
void put_flags(struct requests *r, unsigned ifindex, unsigned up, unsigned change);
void put_no_addrgen(struct requests *r, unsigned ifindex);
void put_address(struct requests *r, unsigned ifindex, const void *address, size_t size);
void put_neighbour(struct requests *r, int type, unsigned ifindex, const void *address, size_t size,
		   const uint8_t mac[6]);
void put_route(struct requests *r, int type, unsigned ifindex, const void *to, const void *gateway,
	       size_t size);

#endif
