# shellcheck shell=bash
# What confines the helper from outside: the sandbox of the units, the AppArmor profile, the SELinux module.
# No kernel here enforces a policy of AppArmor or SELinux, so these are parsed and compiled, and the
# profile is compared with a trace of the helper. 67_systemd_units runs the units.

# shellcheck source=tests/integration/confinement_lib.sh
. "$CHECKOUT/tests/integration/confinement_lib.sh"

MODULE=$CHECKOUT/conf/selinux/pam_netns
SERVICES=("$CHECKOUT"/conf/*.service)

# sandbox FILE: prints the unit's lines after its first comment in [Service] that names the sandbox.
sandbox() {
	sed -n '/leaves this sandbox/,/^$/p' "$1"
}

# capabilities: prints those of the helper's list, as "sys_admin".
capabilities() {
	sed -n '/^static const unsigned capabilities/,/^};/p' "$CHECKOUT/helper/pam-netns-helper/main.c" |
		grep -o 'CAP_[A-Z_]*' | sed 's/CAP_//' | tr '[:upper:]' '[:lower:]'
}

# lacks FILE: prints the helper's capabilities that FILE does not name.
lacks() {
	local name
	capabilities | while read -r name; do
		grep -qiw "\(CAP_\)\?$name" "$1" || echo "$name"
	done
}

# calls_of NAME: prints the system calls of one of systemd's groups, or the call itself.
calls_of() {
	local name
	[[ $1 == @* ]] || { echo "$1"; return; }
	systemd-analyze --no-pager syscall-filter "$1" | sed -e 1d -e 's/#.*//' | while read -r name; do
		[[ -z $name ]] || calls_of "$name"
	done
}

# 4.0 of 10: systemd-analyze compares tenths.
test_units_exposure_is_at_most_four() {
	local unit
	assert_eq 2 ${#SERVICES[@]} services
	for unit in "${SERVICES[@]}"; do
		systemd-analyze security --offline=true --no-pager --threshold=40 "$unit" >"$OUT/exposure" || {
			cat "$OUT/exposure" >&2
			return 1
		}
	done
	printf '[Service]\nExecStart=/bin/true\n' >"$OUT/open.service"
	assert_code 1 systemd-analyze security --offline=true --no-pager --threshold=40 "$OUT/open.service" >&2
}

test_units_have_the_same_sandbox() {
	[[ $(sandbox "${SERVICES[0]}" | wc -l) -gt 20 ]]
	assert_same "$(sandbox "${SERVICES[0]}")" "$(sandbox "${SERVICES[1]}")" sandbox
}

# A call that only the unit refused would fail in gc alone.
test_units_permit_the_system_calls_of_the_helper() {
	local unit name
	sed -n '/allowed\[\] = {/,/^};/p' "$CHECKOUT/helper/sandbox/generate.c" | grep -o '"[a-z0-9_]*"' | tr -d '"' |
		sort -u >"$OUT/needed"
	[[ $(wc -l <"$OUT/needed") -gt 100 ]]
	for unit in "${SERVICES[@]}"; do
		for name in $(sed -n 's/^SystemCallFilter=//p' "$unit") @default; do
			calls_of "$name"
		done | sort -u >"$OUT/permitted"
		assert_eq "" "$(comm -23 "$OUT/needed" "$OUT/permitted")" "$unit"
	done
}

test_policies_have_the_capabilities_of_the_helper() {
	local file
	assert_eq 12 "$(capabilities | wc -l)" capabilities
	for file in "$PROFILE" "$MODULE.te"; do
		assert_eq "" "$(lacks "$file")" "$file"
	done
	# No unit makes namespaces of users.
	for file in "${SERVICES[@]}"; do
		assert_eq 'dac_override sys_time' "$(lacks "$file" | xargs)" "$file"
	done
}

# --skip-cache and --skip-kernel-load: the tests' machine has neither.
test_apparmor_profile_is_parsed_and_only_complains() {
	local said
	said=$(apparmor_parser --skip-kernel-load --skip-cache --names "$PROFILE")
	assert_same $'pam-netns-helper\npam-netns-helper//nft' "$said" profiles
	assert_eq 2 "$(grep -c '^ *profile .*complain.*{$' "$PROFILE")" "profiles that complain"
	assert_match 'never tested on a kernel that enforces' "$(cat "$PROFILE")"
	sed 's/^  capability sys_admin,/  capability sys_adminn,/' "$PROFILE" >"$OUT/wrong"
	assert_code 1 apparmor_parser --skip-kernel-load --skip-cache "$OUT/wrong" >&2
}

# AppArmor refuses a plain transition after no_new_privs.
test_apparmor_nft_gets_both_profiles() {
	assert_match '/nft mrpx -> &pam-netns-helper//nft,' "$(cat "$PROFILE")"
}

test_selinux_module_is_compiled_and_permissive() {
	local said
	cp "$MODULE".{te,fc} "$OUT"
	said=$(make -C "$OUT" -f /usr/share/selinux/devel/Makefile pam_netns.pp 2>&1)
	assert_no_match 'Warning|Error' "$said"
	[[ -s $OUT/pam_netns.pp ]]
	grep -qx 'permissive pam_netns_helper_t;' "$OUT/pam_netns.te"
	assert_match 'never tested on a host that enforces SELinux' "$(cat "$OUT/pam_netns.te")"
	sed -i 's/^fs_getattr_all_fs/fs_getattr_all_fsx/' "$OUT/pam_netns.te"
	assert_code 2 make -C "$OUT" -f /usr/share/selinux/devel/Makefile pam_netns.pp >&2
}

# Programs, units and state of ours that a policy names are where `make install` puts them.
test_paths_in_policies_and_units_are_installed() {
	local path
	make -s -C "$CHECKOUT" B=/srv/build install DESTDIR="$OUT/dest" >&2
	grep -ohE '/(usr|etc|var/lib)/[a-z/]*pam[-_]netns[a-z_./-]*' "$PROFILE" "$MODULE".* "${SERVICES[@]}" |
		sed 's,[/.]*$,,' | sort -u >"$OUT/paths"
	for path in /usr/libexec/pam-netns/pam-netns-helper /var/lib/pam-netns /usr/sbin/pam-netns /etc/security/pam_netns.conf; do
		grep -qx "$path" "$OUT/paths"
	done
	while read -r path; do
		[[ -e $OUT/dest$path ]] || echo "$path"
	done <"$OUT/paths" >"$OUT/missing"
	assert_eq "" "$(cat "$OUT/missing")" missing
}

# AppArmor would deny the rest. What no trace shows: capabilities, mounts, signals, sockets. This kernel has no
# controllers for limits: a file stands for the list of them, and a login gets as far as their first use.
test_apparmor_profile_permits_the_files_of_the_helper() {
	local tracer
	echo 'session required pam_netns.so' >/etc/pam.d/only
	mkdir -p /run/sudo
	sed -i 's/^namespaces = .*/namespaces = net mnt uts ipc time/; s/^processes = .*/processes = own/
		s,^private = .*,& /run/sudo,; s,^hide = .*,hide = /home/*,; s,^read_only = .*,read_only = /opt /srv,
		s,^bind = .*,bind = /usr/share/doc:/mnt /etc/hostname:/etc/motd:ro,; s/^net_admin = .*/net_admin = yes/' "$CONF"
	trace pam-netns up
	trace pamtester only alice open_session
	trace pamtester only alice open_session close_session
	ip link del pnbr0
	nft flush ruleset
	trace pam-netns gc
	trace pam-netns kick alice
	# strace ends with the last traced process, here the user's process 1.
	conf_set namespaces 'net mnt uts pid'
	trace pamtester only alice open_session &
	tracer=$!
	wait_until 10 test -e /run/pam-netns/users/2001/sessions
	trace pam-netns gc
	trace pam-netns kick alice
	wait "$tracer"
	conf_set limits 'memory=64M tasks=100'
	echo 'memory pids' >/run/test-host/controllers
	mount --bind /run/test-host/controllers /sys/fs/cgroup/cgroup.controllers
	mount --bind /run/test-host/controllers /sys/fs/cgroup/cgroup.subtree_control
	assert_fails trace pamtester only alice open_session
	umount /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/cgroup.subtree_control
	trace pam-netns gc
	trace pam-netns down
	conf_reset
	rm /etc/pam.d/only
	uses_collect
	[[ $(grep -c ^helper "$OUT/uses") -gt 80 && $(grep -c ^nft "$OUT/uses") -gt 10 ]]
	grep -qx 'helper w /sys/fs/cgroup/pam-netns/cgroup.subtree_control' "$OUT/uses"
	assert_eq "" "$(denied)" "denied to the helper, or to nft by the helper's profile"
	assert_eq "" "$(denied_to_nft)" "denied to nft"
}
