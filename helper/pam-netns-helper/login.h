/* One login through the helper: what its steps share. See login.c for the order. */
#ifndef PAM_NETNS_LOGIN_H
#define PAM_NETNS_LOGIN_H

#include "helper.h"
#include "ns/pins.h"
#include "net/uplink.h"

struct login {
	struct host *host;
	const struct request *request;
	const struct profile *profile;
	struct setup setup;
	struct uplink_network network;
	struct uplink uplink;
	bool built;		 /* a first login */
	unsigned bridge;	 /* number of the bridge that the port is on */
	struct user_state state; /* what is recorded, and torn down again */
	struct namespaces pins;
};

/* login_build.c: makes everything for a user who is not in. Undoes it all on failure. */
int login_build(struct login *login) MUST_CHECK;
/* login_build.c: the uplink of a user who is in was removed on the host: makes it again. */
int login_mend_uplink(struct login *login) MUST_CHECK;

/* login_build.c: the user's name in NETNS_DIR, for ip-netns(8). */
int login_name_netns(const struct login *login) MUST_CHECK;

#endif
