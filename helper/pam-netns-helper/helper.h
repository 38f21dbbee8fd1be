/* Shared by all parts of the helper: the host, found and entered from any namespace. */
#ifndef PAM_NETNS_HELPER_H
#define PAM_NETNS_HELPER_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "call/message.h"
#include "net/netlink.h"
#include "rules/ruleset.h"
#include "state/network.h"
#include "state/state.h"

/* The host: the namespaces of its PID 1, entered by host_enter(), and descriptors of its files. */
struct host {
	pid_t caller;  /* whose socket is standard input: a session's leader */
	pid_t self;    /* this process in proc, if it has another number there than getpid(2) */
	int proc;      /* its procfs */
	int run;       /* RUN_DIR */
	nlink_t users; /* the links of users/ in it: two, and one for each active user */
	int lock;      /* see lock.h */
	struct namespaces ns;
	bool nested; /* the caller is in another network namespace: most often in a session */
	uint64_t pid_namespace;		 /* the inode of this process's, if it is not the host's:
					  * host_pid_namespace() */
	struct netlink route, netfilter; /* sockets in its network namespace */
	uint64_t rules;			 /* for setup_rules.c, which found them intact in this */
	uint32_t generation;		 /* generation; 0: did not */
	bool thorough; /* also check the defences against a flush of the rules; a login does not */
	bool by_hand;  /* a person reads the answer, so repeat known findings */
};

/*
 * host.c: finds the host's procfs (HOSTPROC, else /proc), enters the namespaces of its PID 1, and
 * opens the rest. Makes RUN_DIR's folders if they are missing. namespaces: those that the caller
 * may be in; 0: unknown. No process can leave its PID namespace: pid_namespace tells.
 */
int host_enter(struct host *host, pid_t caller, unsigned namespaces) MUST_CHECK;
/*
 * In another PID namespace than the host's, numbers of processes are not those in the host's procfs:
 * sets pid_namespace, and finds this process and its caller there. host_enter() calls it for a caller
 * in a user's network namespace; others may be in a container of root's.
 */
int host_pid_namespace(struct host *host) MUST_CHECK;
/* Opens the sockets in its network namespace: most verbs need them. */
int host_sockets(struct host *host) MUST_CHECK;
/* Back to the host's namespaces of that set, after a user's were made or joined. */
int host_return(const struct host *host, unsigned set) MUST_CHECK;

/* setup.c: is the network set up according to the conf, and unchanged? If not, repairs it. */
struct setup {
	const struct conf *conf;
	uint64_t version; /* of conf and program */
	const struct network *network;
	struct network_state state; /* out */
	unsigned differs;	    /* out, PART_…: the differences found */
	char bridge[IFNAMSIZ];	    /* out: the bridge concerned */
};
int setup_ensure(struct host *host, struct setup *setup) MUST_CHECK;
/* Applies everything anew, for a network or (NULL) for all that profiles use. Takes LOCK_HOST. */
int setup_apply(struct host *host, const struct conf *conf, uint64_t version,
		const struct network *network) MUST_CHECK;
/* Makes bridge number i of a network, and all before it. Takes LOCK_HOST. */
int setup_grow(struct host *host, const struct setup *setup, unsigned bridge) MUST_CHECK;
/* name "": all networks. Without force it refuses while users are active. Takes LOCK_HOST. */
int setup_remove(struct host *host, const char *name, bool force) MUST_CHECK;
/* Identifies the conf file and this program; only compared. 0: conf is NULL. */
uint64_t setup_version(const struct conf *conf);

/*
 * setup_plan.c: sets the network up again if IPv6 was disabled or enabled on the host since. Holds
 * only the user's lock.
 */
int setup_follow_ipv6(struct host *host, struct setup *setup) MUST_CHECK;
/* -EAFNOSUPPORT, logged: the conf names an IPv6 prefix and IPv6 is disabled, so no first login. */
int setup_has_ipv6(const struct network *conf, const struct network_state *state) MUST_CHECK;

/* setup_rules.c: our own transaction made this generation (0: none) from an intact one. */
void rules_follow(struct host *host, uint32_t generation);

/* setup_resolv.c: the networks' resolv.conf, also where a rename on the host removed our mount. */
int setup_resolv(const struct host *host, const struct network *network) MUST_CHECK;
/* Updates every network that is up after a change of the host's name servers. */
int setup_follow_resolver(const struct host *host, const struct conf *conf) MUST_CHECK;
int setup_hosts(const struct host *host, uid_t uid, const char *hostname) MUST_CHECK;

/* setup_sysctl.c */
bool sysctl_ipv6_present(void); /* this kernel has IPv6 (not ipv6.disable=1) */
/* 1, 0, or -errno. IPv6's is read only if the kernel has IPv6. */
int sysctl_forwarding_on(struct host *host, bool ipv6) MUST_CHECK;
/* Switches forwarding on. Before that the filter must be in place; records that it was off. */
int sysctl_forwarding(struct host *host, bool ipv6) MUST_CHECK;
/* The ports that NAT gives to users, chosen besides the host's own ports of this moment. */
int sysctl_nat_ports(struct nat_ports *ports) MUST_CHECK;
/* Switches forwarding off again, as far as it was off before us. */
int sysctl_forwarding_restore(const struct host *host, const struct host_state *state) MUST_CHECK;
int sysctl_bridge(const struct host *host, const char *bridge) MUST_CHECK;
/* Enables IPv6 on a bridge that was made while it was disabled. 0 also if there is no bridge. */
int sysctl_bridge_ipv6(const char *bridge) MUST_CHECK;
bool sysctl_bridge_ipv6_off(const char *bridge); /* the bridge exists, and has no IPv6 */
/*
 * A procfs for the next two functions that is faster than the host's, which gets slower
 * with the number of users. The caller closes it. -1: users are few (each has a folder, which tmpfs
 * counts as a link of the folder above), or it cannot be mounted (in a container).
 */
int sysctl_proc(const struct host *host);
/* The host's ping_group_range; "" if it is the kernel's default. */
void sysctl_ping_range(int proc, char out[64]);
/* In a new network namespace: sets ping_group_range like the host's ("": leave it),
 * and low ports for all. */
int sysctl_user(int proc, const char *ping_range, bool low_ports) MUST_CHECK;

/* sandbox.c: from here on only the calls of the allow-list. no_new_privs is set before. */
int sandbox_enter(void) MUST_CHECK;

/*
 * program.c: runs a program with an empty environment. input is its standard input; both its
 * outputs go to output. Returns its exit status, or -errno, logged. The program ends with the helper.
 */
int program_start(const char *path, char *const argv[], int input, int output) MUST_CHECK;
/* Of a program in /usr/bin or /bin, argv[0]; its first line of output is logged if it fails. */
int program_run(char *const argv[]) MUST_CHECK;
/* What was written into a memory file, ended with a NUL; the caller frees it. NULL: failed. */
char *program_output(int output);

/* nft.c: runs nft(8) with text as its input; logs its errors. */
int nft_run(const char *text, size_t size) MUST_CHECK;
/* The output of `nft list ruleset`; the caller frees it. NULL: nft failed. */
char *nft_list(void);

/* login.c, logout.c, gc.c, main.c: the verbs. They fill in *reply and return 0, or -errno. */
int verb_open(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_close(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_kick(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_gc(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_up(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_down(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;
int verb_host(struct host *host, const struct request *request, struct reply *reply) MUST_CHECK;

/* Attaches the host's namespaces of that set to a reply: OUTCOME_HOST. */
int reply_host(const struct host *host, unsigned set, struct reply *reply) MUST_CHECK;
/* Attaches the open descriptors of that set to a reply without any; they stay open until it has
 * been sent. */
int reply_hand(struct reply *reply, const struct namespaces *namespaces, unsigned set) MUST_CHECK;

/* reaper.c: waits for a user's last processes, or ends them (kill), and tears down. Takes the
 * user's lock. -EBUSY: processes are left after timeout_ms. */
int reap(struct host *host, uid_t uid, int timeout_ms, bool kill) MUST_CHECK;
/* Does so for all users with a note (note.h), in a detached child, which logs through syslog(3). If
 * a reaper is at work, leaves them to it. */
int reaper_start(struct host *host) MUST_CHECK;

#endif
