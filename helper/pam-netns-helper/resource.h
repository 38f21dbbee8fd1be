/*
 * Resources: everything that a user gets, each with the same verbs.
 *
 * The table in resources.c has them in the order in which they are made. One function, which goes
 * through it in reverse, removes them: at the last logout, after a login that failed half-way, and
 * in gc. The caller of each function here holds the user's lock, and is in the host's namespaces.
 *
 *	user_make()	make each, then publish: write the record, rename the pins
 *	user_check()	is each as it has to be? Mends what is not
 *	user_remove()	withdraw the pins, so that no login joins; then undo each
 *	users_sweep()	remove leftovers that have no user
 *	user_tell()	what the log and the caller are told while it is there
 *	user_end()	what is told once, when it ends
 *
 * A first login leaves most descriptors that it opens to the end of the process, which comes soon.
 *
 * A helper may be killed between any two system calls. What it leaves is found by the uid: pins,
 * the record, and the port have it in their names; guard elements and routes name the port or the
 * address.
 */
#ifndef PAM_NETNS_RESOURCE_H
#define PAM_NETNS_RESOURCE_H

#include <stdio.h>

#include "helper.h"
#include "net/uplink.h"
#include "ns/pins.h"
#include "recorded.h"

/* What has to be done about an active user's uplink. */
enum uplink_work {
	UPLINK_INTACT,	/* leave it */
	UPLINK_REFRESH, /* the port is safe: only routes and neighbours anew */
	UPLINK_CONNECT, /* the guard, the port's flags, routes and neighbours, then the port up */
};

/* One user, while resources are made, checked or removed. */
struct user {
	struct host *host;
	uid_t uid;
	const struct conf *conf;       /* NULL: not read, or in error */
	const struct request *request; /* NULL: this is no login */
	const struct profile *profile; /* what a first login gets */
	const struct setup *setup;     /* of that profile's network */
	struct user_state state;       /* the record: as it was read, or as it will be written */
	bool recorded;		       /* state was read from the record */
	bool changed;		       /* state differs from the record by now */
	bool own_hosts;		       /* a first login has made the user's /etc/hosts */
	struct network_state network;  /* state.uplink.network points here */
	struct namespaces pins;
	int init;	/* the socket of process 1 of the PID namespace while it is made (init.h) */
	int init_pidfd; /* that process, alive when it was opened */
	struct netlink
	    inside; /* rtnetlink in the user's network namespace, between two resources */
	enum uplink_work uplink;
	struct address address6;	 /* recorded, but at present the host has no IPv6 */
	const struct uplink_ports *safe; /* gc: the ports that are as they have to be */
};

struct resource {
	const char *name;
	/* Does the user's record say that it is wanted? NULL: always. */
	bool (*wanted)(const struct user *user);
	/* The resources before it are there. What a failed make has done by half, undo removes. */
	int (*make)(struct user *user);
	/* What is absent is success. If the record could not be read, only the uid is known. */
	int (*undo)(struct user *user);
	/*
	 * Mends what differs. host->thorough: gc asks and looks at all, else a further login does.
	 * -ENOENT from record, namespaces and process 1: the user has no network, and a login makes all anew.
	 */
	int (*check)(struct user *user);
	/* Removes what has no user, and takes each user's lock for it. conf: NULL if in error. */
	int (*sweep)(struct host *host, const struct conf *conf);
	/* They write " key=value ...", or nothing. */
	void (*tell)(const struct user *user, FILE *out);
	void (*end)(const struct user *user, FILE *out);
};

extern const struct resource resource_record, resource_lease, resource_limits, resource_port,
    resource_name, resource_namespaces, resource_cgroup_namespace, resource_mount_namespace,
    resource_init, resource_veth, resource_guard, resource_uplink;

void user_init(struct user *user, struct host *host, uid_t uid);
void user_close(struct user *user); /* its descriptors */
#define CLEANUP_USER __attribute__((cleanup(user_close)))

/* Makes all for a user who has nothing; on failure all is undone. Fills in state and pins. */
int user_make(struct user *user) MUST_CHECK;
/* For an active user. A login stops at the first error; gc goes on and returns the first. */
int user_check(struct user *user) MUST_CHECK;
/*
 * Undoes all. known: the state of a login that failed, which has no record yet; NULL: the record is
 * read. Each step goes on after the failure of another; the first error is returned.
 */
int user_remove(struct host *host, uid_t uid, const struct user_state *known) MUST_CHECK;
/* Of all users; the caller holds no user's lock. */
int users_sweep(struct host *host, const struct conf *conf) MUST_CHECK;
/* "profile=default network=default ..." in text, cut to size. */
void user_tell(const struct user *user, char *text, size_t size);
void user_end(const struct user *user, char *text, size_t size);

/* resources/cgroup_namespace.c: systemd is PID 1. A session's group would be the namespace's root. */
int cgroup_namespace_refuse(const struct user *user) MUST_CHECK;

/* resources/init.c: starts process 1 of the PID namespace, in the user's namespaces that are made. */
int init_begin(struct user *user) MUST_CHECK;

/* resources/name.c: the name in NETNS_DIR, made again when a pin is. */
int netns_name_make(const struct user *user) MUST_CHECK;

#endif
