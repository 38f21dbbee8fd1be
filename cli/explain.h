/* The parts of pam-netns explain. Each prints lines "  name  value". */
#ifndef PAM_NETNS_EXPLAIN_H
#define PAM_NETNS_EXPLAIN_H

#include "base/who.h"
#include "conf/conf.h"
#include "conf/key.h"

struct subject {
	struct who who;
	const struct conf *conf;
	const struct profile *profile; /* NULL: none matches */
};

void explain_label(const char *name); /* begins a line; "": one that goes on with the one above */
void explain_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keys that more is told of than their value: TOLD in conf/keys.def. */
typedef void explain_key(const struct subject *subject);
explain_key explain_services_exempt, explain_match, explain_isolate, explain_hostname,
    explain_private, explain_processes, explain_hide, explain_read_only, explain_bind, explain_root;
explain_key explain_network, explain_subnet, explain_subnet6, explain_egress;

/* Lines below that of a key which is on: what users notice, and what does not work. */
void explain_notes(const struct profile *profile, enum conf_key_id key);

#endif
