/* Netlink requests of the floor; see floor_request.h. */
#include "floor_request.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

int netlink_socket(int protocol)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
		err(1, "netlink");
	return fd;
}

void requests_begin(struct requests *r, int type, int flags, const void *header, size_t size)
{
	r->last = (struct nlmsghdr *)(void *)(r->data + r->used);
	*r->last = (struct nlmsghdr){
	    .nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
	    .nlmsg_type = (uint16_t)type,
	    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	    .nlmsg_seq = ++r->sequence,
	};
	memcpy(NLMSG_DATA(r->last), header, size);
	r->used += NLMSG_SPACE(size);
	if (flags & NLM_F_ACK)
		r->acknowledged++;
}

void requests_put(struct requests *r, int type, const void *value, size_t size)
{
	struct nlattr *a = (struct nlattr *)(void *)(r->data + r->used);

	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + size);
	if (size)
		memcpy(a + 1, value, size);
	r->used += NLA_ALIGN(a->nla_len);
	r->last->nlmsg_len = (uint32_t)(r->data + r->used - (char *)r->last);
}

void requests_put_u32(struct requests *r, int type, uint32_t value)
{
	requests_put(r, type, &value, sizeof(value));
}

void requests_put_text(struct requests *r, int type, const char *value)
{
	requests_put(r, type, value, strlen(value) + 1);
}

struct nlattr *requests_nest(struct requests *r, int type)
{
	struct nlattr *nest = (struct nlattr *)(void *)(r->data + r->used);

	requests_put(r, type, NULL, 0);
	return nest;
}

void requests_nest_end(struct requests *r, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)(r->data + r->used - (char *)nest);
}

void requests_send(struct requests *r, int socket, const char *what)
{
	char answers[8192];

	if (send(socket, r->data, r->used, 0) != (ssize_t)r->used)
		err(1, "floor: %s", what);
	while (r->acknowledged) {
		ssize_t size = recv(socket, answers, sizeof(answers), 0);
		struct nlmsghdr *a = (struct nlmsghdr *)(void *)answers;

		if (size < 0)
			err(1, "floor: %s", what);
		for (; NLMSG_OK(a, size); a = NLMSG_NEXT(a, size)) {
			const struct nlmsgerr *e = NLMSG_DATA(a);

			if (a->nlmsg_type == NLMSG_ERROR && e->error && e->error != -EAFNOSUPPORT)
				errx(1, "floor: %s: %s", what, strerror(-e->error));
			r->acknowledged--;
		}
	}
	r->used = 0;
}

void put_flags(struct requests *r, unsigned ifindex, unsigned up, unsigned change)
{
	struct ifinfomsg header = {
	    .ifi_index = (int)ifindex, .ifi_flags = up, .ifi_change = change};

	requests_begin(r, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
}

void put_no_addrgen(struct requests *r, unsigned ifindex)
{
	uint8_t none = IN6_ADDR_GEN_MODE_NONE;

	put_flags(r, ifindex, 0, 0);

	struct nlattr *families = requests_nest(r, IFLA_AF_SPEC);
	struct nlattr *inet6 = requests_nest(r, AF_INET6);

	requests_put(r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	requests_nest_end(r, inet6);
	requests_nest_end(r, families);
}

static uint8_t family_of(size_t size)
{
	return size == 4 ? AF_INET : AF_INET6;
}

void put_address(struct requests *r, unsigned ifindex, const void *address, size_t size)
{
	struct ifaddrmsg header = {.ifa_family = family_of(size),
				   .ifa_prefixlen = (uint8_t)(size * 8),
				   .ifa_flags = size == 4 ? 0 : IFA_F_NODAD,
				   .ifa_index = ifindex};

	requests_begin(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header,
		       sizeof(header));
	requests_put(r, IFA_LOCAL, address, size);
	requests_put(r, IFA_ADDRESS, address, size);
}

void put_neighbour(struct requests *r, int type, unsigned ifindex, const void *address, size_t size,
		   const uint8_t mac[6])
{
	/* Without an address: the bridge's port entry. */
	struct ndmsg header = {.ndm_family = address ? family_of(size) : AF_BRIDGE,
			       .ndm_ifindex = (int)ifindex,
			       .ndm_state = address ? NUD_PERMANENT : NUD_NOARP,
			       .ndm_flags = address ? 0 : NTF_MASTER};
	int flags = type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0;

	requests_begin(r, type, flags | NLM_F_ACK, &header, sizeof(header));
	if (address)
		requests_put(r, NDA_DST, address, size);
	if (mac)
		requests_put(r, NDA_LLADDR, mac, 6);
}

void put_route(struct requests *r, int type, unsigned ifindex, const void *to, const void *gateway,
	       size_t size)
{
	struct rtmsg header = {
	    .rtm_family = family_of(size),
	    .rtm_dst_len = to ? (uint8_t)(size * 8) : 0,
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_BOOT,
	    .rtm_scope = to && size == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
	    .rtm_type = RTN_UNICAST,
	    .rtm_flags = gateway ? RTNH_F_ONLINK : 0,
	};
	int flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0;

	requests_begin(r, type, flags | NLM_F_ACK, &header, sizeof(header));
	if (to)
		requests_put(r, RTA_DST, to, size);
	if (gateway)
		requests_put(r, RTA_GATEWAY, gateway, size);
	requests_put_u32(r, RTA_OIF, ifindex);
}
