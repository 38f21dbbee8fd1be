/*
 * Prints the connections that the kernel tracks, one a line: "SOURCE DESTINATION" of the first
 * packet, then of the reply. Few machines have conntrack(8), and few kernels /proc/net/nf_conntrack.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct nlattr *find(const char *at, const char *end, int type)
{
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attribute = (const void *)at;

		if (attribute->nla_len < NLA_HDRLEN)
			return NULL;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
		at += NLA_ALIGN(attribute->nla_len);
	}
	return NULL;
}

static const struct nlattr *inside(const struct nlattr *nest, int type)
{
	const char *start = (const char *)nest;

	return nest ? find(start + NLA_HDRLEN, start + nest->nla_len, type) : NULL;
}

static void print_address(const struct nlattr *ip, int v4, int v6)
{
	const struct nlattr *address = inside(ip, v4);
	int family = address ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (!address)
		address = inside(ip, v6);
	if (address)
		printf("%s ",
		       inet_ntop(family, (const char *)address + NLA_HDRLEN, text, sizeof(text)));
}

static void print_entry(const struct nlmsghdr *message)
{
	const char *start = (const char *)NLMSG_DATA(message) + sizeof(struct nfgenmsg);
	const char *end = (const char *)message + message->nlmsg_len;

	for (int tuple = CTA_TUPLE_ORIG; tuple <= CTA_TUPLE_REPLY; tuple++) {
		const struct nlattr *ip = inside(find(start, end, tuple), CTA_TUPLE_IP);

		print_address(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
		print_address(ip, CTA_IP_V4_DST, CTA_IP_V6_DST);
	}
	putchar('\n');
}

int main(void)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg generic;
	} request = {
	    .header = {.nlmsg_len = sizeof(request),
		       .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	static char answer[65536] __attribute__((aligned(NLMSG_ALIGNTO)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0)
		return 1;
	for (;;) {
		ssize_t length = recv(fd, answer, sizeof(answer), 0);

		if (length <= 0)
			return 1;
		for (struct nlmsghdr *m = (void *)answer; NLMSG_OK(m, length);
		     m = NLMSG_NEXT(m, length)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return 1;
			print_entry(m);
		}
	}
}
