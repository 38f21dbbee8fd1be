/* pam-netns doctor: do users get a name server? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "doctor.h"
#include "base/paths.h"
#include "ns/resolv.h"
#include "state/network.h"

#define RESOLVED_CONF "/etc/systemd/resolved.conf.d/pam-netns.conf"

/* The command that lets the host's systemd-resolved serve a network's users, at the gateway. */
static void report_resolved(struct doctor *doctor, const char *network, const char *gateway)
{
	doctor_at(
	    doctor, LEVEL_WARNING, CONF_PATH, conf_section_line("network", network),
	    "users of network %s cannot resolve names: no name server that they can reach is in "
	    "systemd-resolved's upstream file -> mkdir -p /etc/systemd/resolved.conf.d && "
	    "printf '[Resolve]\\nDNSStubListenerExtra=%s\\n' >>" RESOLVED_CONF
	    " && systemctl restart systemd-resolved && "
	    "sed -i -e '/^\\[network %s\\]/,/^\\[/{/^dns *=/d}' "
	    "-e '/^\\[network %s\\]/a dns = %s' " CONF_PATH " && pam-netns up",
	    network, gateway, network, network, gateway);
}

static void report_missing(struct doctor *doctor, int run, const struct network *network)
{
	struct network_state up = {.subnet = network->subnet};
	bool asks_host = network->host_all || network->host_dns;
	char gateway[ADDRESS_TEXT_MAX] = "GATEWAY";
	struct address address;

	if (run >= 0)
		(void)!network_state_read(run, network->name, &up);
	address = prefix_address(&up.subnet, 1);
	if (address.family)
		address_format(&address, gateway);
	if (address.family && asks_host &&
	    access("/run/systemd/resolve/stub-resolv.conf", F_OK) == 0)
		report_resolved(doctor, network->name, gateway);
	else
		doctor_at(
		    doctor, LEVEL_WARNING, CONF_PATH, conf_section_line("network", network->name),
		    "users of network %s cannot resolve names: no name server that they can "
		    "reach is in /etc/resolv.conf or a resolver's upstream file -> write 'dns = "
		    "ADDRESS' in [network %s]; or let the host's resolver listen on the gateway "
		    "(systemd-resolved: DNSStubListenerExtra=%s, dnsmasq: listen-address=%s), "
		    "and write this address there%s",
		    network->name, network->name, gateway, gateway,
		    asks_host ? "" : ", and dns in host_access");
}

void doctor_resolver(struct doctor *doctor)
{
	CLEANUP_FD int root = open(HOSTPROC "/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];
		CLEANUP_FREE char *text = NULL;
		int error = resolv_text(root, network, &text);

		if (error == -ENOENT)
			report_missing(doctor, run, network);
		else if (error)
			doctor_warning(doctor,
				       "users of network %s cannot resolve names: the host's "
				       "/etc/resolv.conf cannot be read -> repair it",
				       network->name);
	}
}
