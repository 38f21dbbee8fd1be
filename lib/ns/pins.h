/*
 * Pins: namespaces kept alive by bind mounts of their nsfs handles.
 *
 * PINS_DIR is a tmpfs of its own, mode 0700. Its mount is private and exists only in the host's
 * mount namespace: it propagates nowhere, and no user's mount namespace keeps another user's
 * namespaces alive. PINS_DIR/UID exists whole or not at all, because it is filled as PINS_DIR/.UID
 * and then renamed. Every handle is checked before use: nsfs, the right type, owned by the initial
 * user namespace, or by that of PINS_DIR/UID/owner: a symbolic link to the inode of the user
 * namespace that owns the user's network (ns/owned.h). Callers are in the host's mount namespace,
 * hold the user's lock, and have CAP_SYS_ADMIN.
 */
#ifndef PAM_NETNS_PINS_H
#define PAM_NETNS_PINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/namespaces.h"
#include "base/process.h"

#define PIN_OWNER "owner"

/*
 * Is fd a namespace of this kind that the caller's user namespace owns, or that of the link in a
 * folder of pins? folder is below dir.
 */
bool pin_valid(int fd, enum namespace_kind kind, int dir, const char *folder);

/* Mounts PINS_DIR if it is not mounted. */
int pins_setup(void) MUST_CHECK;

/*
 * Opens the published pins of a user: exactly those of the set namespaces. -ENOENT: there are none,
 * or they are incomplete or not as they should be; the caller removes what is there and makes new
 * ones. Other errors, logged: unknown.
 */
int pins_open(uid_t uid, unsigned namespaces, struct namespaces *out) MUST_CHECK;
bool pins_exist(uid_t uid); /* any pin, even if they are incomplete */

/*
 * Process 1 of the user's PID namespace is named beside the pins: before it may outlive the helper,
 * and until pins_remove() ends it. -ENOENT: no process is named.
 */
int pins_init_write(uid_t uid, const struct process *init) MUST_CHECK;
int pins_init_read(uid_t uid, struct process *out) MUST_CHECK;

/* Makes an empty PINS_DIR/.UID, after removing the leftover of an interrupted run. */
int pins_begin(uid_t uid) MUST_CHECK;
/* No system call returns it, so no other failure is tried again. */
#define PIN_ELSEWHERE (-ERESTART)
/*
 * Pins the namespace of fd. PIN_ELSEWHERE, not logged, for a mount namespace: kernels 6.18.y compare
 * ids that come in batches per CPU. Make the namespace again on another CPU (fixed in 6.19).
 */
int pin_add(uid_t uid, enum namespace_kind kind, int fd) MUST_CHECK;
/* Records which user namespace owns the net namespace. */
int pin_owner_set(uid_t uid, int net) MUST_CHECK;
int pins_publish(uid_t uid) MUST_CHECK;
/*
 * Calls attempt, which makes and pins a mount namespace, on one CPU after the other while it
 * returns PIN_ELSEWHERE (see pin_add). Restores the CPU affinity afterwards.
 */
int pin_retry(int (*attempt)(void *context), void *context) MUST_CHECK;

/*
 * Unpublishes the pins, before anything else of the user is removed. So if the helper is killed
 * half-way, the next login finds no namespace to join. Does as much as it can.
 */
void pins_withdraw(uid_t uid);

/*
 * Removes pins, published or not; namespaces: those that are most likely there, 0: unknown. Kills
 * process 1 of a PID namespace, and does not wait: a stopped process outside can be the parent of
 * one inside, and hold up the end. The handles are unmounted and unlinked: unlinking frees copies
 * of the mount in mount namespaces that were cloned meanwhile. Absence is not an error.
 */
int pins_remove(uid_t uid, unsigned namespaces) MUST_CHECK;

/* One handle with a name of its own in PINS_DIR: a template, or a user's pin that is made again. */
int pin_named_set(const char *name, int fd) MUST_CHECK;
int pin_named_open(const char *name, enum namespace_kind kind) MUST_CHECK;
/* Is it a namespace, of any kind and owner? One system call. */
bool pin_named_exists(const char *name);
int pin_named_remove(const char *name) MUST_CHECK;

/* The uids of all folders in PINS_DIR, unpublished ones too. The caller frees *uids. */
int pins_list(uid_t **uids, size_t *count) MUST_CHECK;

#endif
