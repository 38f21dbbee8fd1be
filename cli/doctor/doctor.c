/* pam-netns doctor: the table of checks, and how they run; see doctor.h. */
#include "doctor.h"

#include <unistd.h>

#include "../command.h"
#include "../kernel.h"

/* AFTER_UP: `up` runs it too. */
enum { NEEDS_ROOT = 1 << 0, NEEDS_CONF = 1 << 1, AFTER_UP = 1 << 2 };

static const struct check {
	const char *id; /* pam-netns(8) lists them */
	void (*run)(struct doctor *doctor);
	unsigned needs;
	const char *fine; /* printed if the check finds no fault */
} checks[] = {
    {"conf", doctor_conf, AFTER_UP, "the conf file is usable"},
    {"kernel", doctor_kernel, 0, "the kernel has the system calls and namespaces that are needed"},
    {"modules", doctor_modules, 0, "the kernel's modules that are needed can be loaded"},
    {"installed", doctor_installed, AFTER_UP, "the programs are installed, with their modes"},
    {"pam", doctor_pam, AFTER_UP, "every PAM stack isolates its logins"},
    {"authselect", doctor_authselect, 0, "authselect does not overwrite our lines"},
    {"sshd", doctor_sshd, NEEDS_ROOT | AFTER_UP, "sshd uses PAM"},
    {"services", doctor_services, 0, "services that run users' programs open PAM sessions"},
    {"mail", doctor_mail, 0, "no mail server runs users' programs"},
    {"web", doctor_web, 0, "no web server runs programs as users"},
    {"policy", doctor_policy, NEEDS_CONF, "every profile of the conf file can be used"},
    {"paths", doctor_paths, NEEDS_ROOT | NEEDS_CONF, "the paths that profiles name exist"},
    {"root", doctor_root, NEEDS_ROOT | NEEDS_CONF, "logins find what they need in images"},
    {"kerberos", doctor_kerberos, NEEDS_CONF, "Kerberos tickets are not in a private /tmp"},
    {"linger", doctor_linger, NEEDS_CONF, "logind ends programs if linger = no says so"},
    {"selinux", doctor_selinux, NEEDS_ROOT, "SELinux enforces no policy without our module"},
    {"propagation", doctor_propagation, NEEDS_ROOT, "/ is a shared mount"},
    {"resolver", doctor_resolver, NEEDS_ROOT | NEEDS_CONF, "users have a name server"},
    {"sudoers", doctor_sudoers, NEEDS_ROOT | NEEDS_CONF, "sudo's rules apply in users' sessions"},
    {"ipv6", doctor_ipv6, NEEDS_ROOT | NEEDS_CONF,
     "the networks have the IPv6 that the conf file asks for"},
    {"subnet", doctor_subnet, NEEDS_ROOT | NEEDS_CONF,
     "active users are in the conf file's networks and subnets"},
    {"overlap", doctor_overlap, NEEDS_ROOT | NEEDS_CONF,
     "no other address or route is in the networks' subnets"},
    {"firewall", doctor_firewall, NEEDS_ROOT | NEEDS_CONF,
     "no other firewall drops users' packets"},
    {"rules", doctor_rules, NEEDS_ROOT | NEEDS_CONF, "nft and the kernel take our rules"},
    {"forwarding", doctor_forwarding, NEEDS_ROOT | NEEDS_CONF,
     "no other program needs forwarding that this host does not do"},
    {"managed", doctor_managed, NEEDS_ROOT | NEEDS_CONF,
     "no network manager manages our bridges and ports"},
    {"locked", doctor_locked, NEEDS_CONF, "the kernel locks each user's bridge port to its MAC"},
    {"live", doctor_live, NEEDS_ROOT | NEEDS_CONF, "the host's set-up is complete"},
    {"records", doctor_records, NEEDS_ROOT | NEEDS_CONF,
     "the kernel agrees with the records of active users"},
    {"sysctl", doctor_sysctl, NEEDS_CONF, "no file of sysctl.d disables forwarding or IPv6"},
    {"cgroup", doctor_cgroup, NEEDS_ROOT | NEEDS_CONF,
     "the host can enforce the limits of every profile, and has its cgroup namespaces"},
    {"limits", doctor_limits, NEEDS_ROOT | NEEDS_CONF,
     "the kernel's limits are high enough for all users"},
    {"nat", doctor_nat, NEEDS_ROOT | NEEDS_CONF, "NAT has enough ports for all users"},
    {"userns", doctor_userns, 0, "users cannot make user namespaces"},
    {"outside", doctor_outside, NEEDS_ROOT, "active users have no process on the host's network"},
    {"leases", doctor_leases, NEEDS_CONF, "the networks have free addresses"},
    {"space", doctor_space, 0, "there is room for further users' records"},
};

static void check_run(struct doctor *doctor, const struct check *check, bool root)
{
	struct finding fine = {.level = LEVEL_OK, .id = check->id, .what = check->fine};

	doctor->id = check->id;
	doctor->found = 0;
	if ((check->needs & NEEDS_ROOT) && !root) {
		fine.level = LEVEL_SKIPPED;
		fine.what = "only root can check this";
	} else if ((check->needs & NEEDS_CONF) && !doctor->conf) {
		fine.level = LEVEL_SKIPPED;
		fine.what = "the conf file is not usable";
	} else {
		check->run(doctor);
	}
	if (!doctor->found)
		finding_print(doctor, &fine);
}

void doctor_run(struct doctor *doctor)
{
	bool root = geteuid() == 0;

	if (root && !kernel_host_enter()) {
		doctor->id = "overlap";
		doctor_warning(doctor, "cannot enter the host's network: the following findings "
				       "may be about a user's -> run it outside users' sessions");
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		check_run(doctor, &checks[i], root);
	if (!root && doctor->format == FORMAT_CHECK)
		doctor_note(doctor,
			    "only root can check mounts, name servers, sudoers and firewall");
	finding_end(doctor);
}

void doctor_after_up(void)
{
	struct doctor doctor = {.format = FORMAT_PROBLEMS};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i].needs & AFTER_UP)
			check_run(&doctor, &checks[i], true);
	finding_end(&doctor);
	conf_free((struct conf *)doctor.conf);
}

int command_doctor(const struct arguments *arguments)
{
	struct doctor doctor = {.format = arguments->json ? FORMAT_JSON : FORMAT_LINES};

	doctor_run(&doctor);
	conf_free((struct conf *)doctor.conf);
	if (doctor.problems)
		return 2;
	return doctor.warnings ? 1 : 0;
}
