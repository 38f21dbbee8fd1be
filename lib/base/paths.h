/* Paths of our files. Root makes all of them, and only root can write them. */
#ifndef PAM_NETNS_PATHS_H
#define PAM_NETNS_PATHS_H

#ifndef SYSCONF_DIR
#define SYSCONF_DIR "/etc"
#endif
#ifndef LIBEXEC_DIR
#define LIBEXEC_DIR "/usr/libexec/pam-netns"
#endif

#define CONF_PATH    SYSCONF_DIR "/security/pam_netns.conf"
#define HELPER_PATH  LIBEXEC_DIR "/pam-netns-helper"
#define ENTER_PATH   LIBEXEC_DIR "/pam-netns-enter"
#define WAIT_PATH    LIBEXEC_DIR "/pam-netns-wait" /* a part of enter */
#define MANAGER_PATH LIBEXEC_DIR "/pam-netns-manager"

#define RUN_DIR	     "/run/pam-netns"	  /* 0755 */
#define HOSTPROC_DIR RUN_DIR "/hostproc"  /* 0700; contains proc */
#define HOSTPROC     HOSTPROC_DIR "/proc" /* a bind of the host's /proc, in every mount namespace */
#define PINS_DIR     RUN_DIR "/pins" /* 0700, a private tmpfs: UID/, template.NETWORK; see ns/pins.h */
#define USERS_DIR    RUN_DIR "/users"	 /* 0755: UID/state, UID/sessions/PID.STARTTIME */
#define NETWORKS_DIR RUN_DIR "/networks" /* 0755: NETWORK/{state,resolv.conf,ports} */
#define CLOSING_DIR  RUN_DIR "/closing"	 /* 0700: UID, one file for each user without a session */
#define LOCK_PATH    RUN_DIR "/lock"	 /* 0600: byte-range locks, see lock.h */
#define NETNS_DIR    "/run/netns"	 /* of ip-netns(8): NAME is a link to PINS_DIR/UID/net */

#define LIB_DIR	    "/var/lib/pam-netns" /* 0755 */
#define LEASES_DIR  LIB_DIR "/leases"	 /* 0755 */
#define PRIVATE_DIR LIB_DIR "/private"	 /* 0700: UID/var/tmp, kept between logins */

#endif
