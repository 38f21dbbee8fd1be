/* pam-netns explain: what users notice of a key beside its meaning, and what no longer works. */
#include <stdio.h>

#include "conf/limits.h"
#include "explain.h"

static bool own_processes(const struct profile *profile)
{
	return profile->processes != PROCESSES_ALL;
}

static bool hides(const struct profile *profile)
{
	return profile->hide.count;
}

static bool has_read_only(const struct profile *profile)
{
	return profile->read_only.count;
}

static bool binds(const struct profile *profile)
{
	return profile->bind.count;
}

static bool own_ipc(const struct profile *profile)
{
	return profile->namespaces & NAMESPACE_IPC;
}

static bool own_time(const struct profile *profile)
{
	return profile->namespaces & NAMESPACE_TIME;
}

static bool own_cgroup(const struct profile *profile)
{
	return profile->namespaces & NAMESPACE_CGROUP;
}

static bool own_pids(const struct profile *profile)
{
	return profile->namespaces & NAMESPACE_PID;
}

static bool has_image(const struct profile *profile)
{
	return profile->root;
}

static bool limited(const struct profile *profile)
{
	return conf_limits_any(&profile->limits);
}

static bool net_admin(const struct profile *profile)
{
	return profile->net_admin;
}

static const struct {
	enum conf_key_id key;
	bool (*applies)(const struct profile *profile);
	const char *notice;
	const char *fails; /* NULL: nothing known */
} notes[] = {
    {KEY_namespaces, own_ipc, "ipc: System V objects and POSIX message queues are the user's own",
     "programs of the user and the host that share such objects, such as some databases"},
    {KEY_namespaces, own_time,
     "time: uptime and the time since boot begin at the first login; the date is the host's",
     "polkit for a process, and ps shows wrong start times of older processes (processes = own "
     "hides them)"},
    {KEY_namespaces, own_cgroup,
     "cgroup: /sys/fs/cgroup shows only the user's own control group, read-only",
     "programs that make control groups, such as container engines that limit memory or CPU time"},
    {KEY_namespaces, own_pids,
     "pid: processes have numbers of their own, and process 1 is pam-netns-init",
     "systemd-run --user --scope, systemctl --user (it works with the example user-manager.conf), "
     "su and sudo to other isolated users, polkit for a process, who and w (they are empty)"},
    {KEY_processes, own_processes,
     "ps and top show less, also not the user's own sudo and ssh-agent; who shows all sessions",
     "w (it is empty)"},
    {KEY_hide, hides, "writing there fails, also with sudo",
     "programs that need a hidden file or socket"},
    {KEY_read_only, has_read_only, "writing there fails, also with sudo", NULL},
    {KEY_bind, binds, "a source that the host replaces is seen after the next first login", NULL},
    {KEY_root, has_image,
     "programs, libraries and /etc are the image's; the account's shell must be there",
     "su, sudo and all other setuid programs, pam-netns, systemctl --user, crontab, at, what a PAM "
     "module after ours reads in /etc"},
    {KEY_limits, limited,
     "beyond memory a program is ended, beyond cpu it waits, beyond tasks none can be started; "
     "pam-netns status shows the use",
     NULL},
    {KEY_net_admin, net_admin,
     "users can break their network; pam-netns repair mends it, and logins work all the same",
     "programs that ask for root, such as ip netns and dnsmasq, except in pam-netns lab"},
};

void explain_notes(const struct profile *profile, enum conf_key_id key)
{
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (notes[i].key != key || !notes[i].applies(profile))
			continue;
		explain_line("", "  users notice: %s", notes[i].notice);
		if (notes[i].fails)
			explain_line("", "  does not work: %s", notes[i].fails);
	}
}
