/*
 * Pins: namespaces kept by bind mounts of their nsfs handles.
 *
 * PINS_DIR is a tmpfs of its own, mode 0700, whose mount is private and in the host's mount
 * namespace alone: nothing propagates from it, and no user's view holds another's namespaces alive.
 * PINS_DIR/UID exists whole or not at all: it is filled as PINS_DIR/.UID and renamed. Every handle
 * is checked before it is believed: nsfs, the right type, owned by the initial user namespace.
 * Callers are in the host's mount namespace and hold the user's lock; CAP_SYS_ADMIN.
 */
#ifndef PAM_NETNS_PINS_H
#define PAM_NETNS_PINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/namespaces.h"

/* True if fd is a namespace of this kind whose owner is the caller's user namespace. */
bool pin_valid(int fd, enum namespace_kind kind);

/* Mounts PINS_DIR if it is not there. */
int pins_setup(void) MUST_CHECK;

/*
 * The published pins of a user, exactly those of the set namespaces. -ENOENT: none, or not whole,
 * or not what they should be; the caller tears down what is there and makes them anew. Other
 * errors: it could not be found out; logged.
 */
int pins_open(uid_t uid, unsigned namespaces, struct namespaces *out) MUST_CHECK;
bool pins_exist(uid_t uid); /* anything at all, whole or not */

/* An empty PINS_DIR/.UID, after removing what an interrupted run left of it. */
int pins_begin(uid_t uid) MUST_CHECK;
/*
 * Pins the namespace that fd refers to. -EINVAL for a mount namespace: kernels 6.18.y compare ids
 * that come in batches per CPU; make the namespace again on another CPU (fixed in 6.19). Unlogged
 * then.
 */
int pin_add(uid_t uid, enum namespace_kind kind, int fd) MUST_CHECK;
int pins_publish(uid_t uid) MUST_CHECK;
/*
 * Runs attempt, which makes and pins a mount namespace, again on one CPU after the other for as
 * long as it returns -EINVAL (see pin_add). The CPU affinity is as before afterwards.
 */
int pin_retry(int (*attempt)(void *context), void *context) MUST_CHECK;

/*
 * The other way: before anything else of a user is removed, so that whoever comes after a helper
 * that was killed in the middle finds nothing to join. As far as it can be done.
 */
void pins_withdraw(uid_t uid);

/*
 * Removes pins, published or begun. The handles are unmounted and unlinked: unlinking is what frees
 * copies of the mount in mount namespaces that were cloned meanwhile. Absence is no error.
 */
int pins_remove(uid_t uid) MUST_CHECK;

/* One handle with a name of its own in PINS_DIR: a template, or one of a user's again. */
int pin_named_set(const char *name, int fd) MUST_CHECK;
int pin_named_open(const char *name, enum namespace_kind kind) MUST_CHECK;
int pin_named_remove(const char *name) MUST_CHECK;

/* uids of all folders in PINS_DIR, begun ones too; the caller frees *uids. */
int pins_list(uid_t **uids, size_t *count) MUST_CHECK;

#endif
