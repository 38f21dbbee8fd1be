# shellcheck shell=bash
# Settings of the kernel: IPv6, limits, sysctl files, port ranges.
# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"

setup() {
	host_pam_install
	pam-netns up
}

test_ipv6_disabled_is_found() {
	local off='IPv6 is disabled on this host .net.ipv6.conf.all.disable_ipv6 = 1., so'
	absent 'IPv6 is disabled'
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	mend "^warn ipv6: $CONF:[1-9][0-9]*: $off users get only IPv4"
	absent 'IPv6 is disabled'
	# The other remedy: no IPv6 subnet.
	sysctl -q -w net.ipv6.conf.default.disable_ipv6=1
	present 'default.disable_ipv6 = 1., so users get only IPv4; to accept that, write subnet6 = none in \[network default\]'
	conf_set subnet6 none
	pam-netns up
	absent 'IPv6 is disabled'
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	conf_set subnet6 fd00:203::/64
	assert_fails pam-netns up
	mend "^FAIL ipv6: $CONF:[1-9][0-9]*: $off first logins are refused"
	absent 'IPv6 is disabled'
	conf_back
}

# Older kernels answer ENOSYS. doctor runs for users too.
test_missing_system_calls_are_found() {
	local call doctor
	present 'ok   kernel: '
	for call in pidfd_open open_tree move_mount fsopen openat2 close_range mount_setattr; do
		doctor=$(strace -f -qq -o /dev/null -e trace=$call -e inject=$call:error=ENOSYS pam-netns doctor 2>&1 || :)
		assert_match "^FAIL kernel: this kernel has no $call\(2\) \(Linux 5.[0-9]+\) -> install a newer kernel" \
			"$(grep ' kernel: ' <<<"$doctor")"
	done
	assert_match 'ok   kernel: ' "$(as alice pam-netns doctor 2>&1 || :)"
}

# IPv6 was disabled at the set-up and is enabled now: `up` adds the host's part.
test_ipv6_enabled_after_set_up_is_found() {
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	pam-netns up
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	mend 'network default was set up while IPv6 was disabled'
	absent 'IPv6 was disabled'
}

# limited SETTING VALUE REGEX: doctor finds the setting with this value, and its remedy mends it. A file is
# mounted over the setting, since some settings are the whole machine's.
limited() {
	local file=/proc/sys/${1//./\/}
	echo "$2" >"$OUT/limit"
	mount --bind "$OUT/limit" "$file"
	mend " limits: $1 is $2, but $3"
	absent "$1 is"
	umount "$file"
}

test_low_limits_of_the_kernel_are_found() {
	local setting
	hold_session one alice
	absent ' is [0-9]+, but'
	for setting in user.max_net_namespaces user.max_mnt_namespaces user.max_uts_namespaces; do
		limited "$setting" 40 '1 active users need 65 (network|mount|UTS) namespaces; else logins are refused'
	done
	limited fs.mount-max 20 '1 active users need [0-9]+ mounts on the host; else logins are refused'
	limited net.netfilter.nf_conntrack_max 4096 '1 active users need 16192 connections'
	end_session one
	host_clean
}

# Kinds of namespaces that a profile names count too.
test_low_limits_of_further_namespaces_are_found() {
	local kind
	conf_set namespaces 'net mnt uts ipc time cgroup pid'
	conf_set private '/tmp /var/tmp /dev/shm /run/sudo'
	for kind in ipc time cgroup pid; do
		limited "user.max_${kind}_namespaces" 40 "[0-9]+ .*users .*need [0-9]+ ($kind|${kind^^}) namespaces; else logins are refused"
	done
	conf_back
}

# Users who have an address count too: all of them may log in.
test_limits_count_users_with_an_address() {
	local i leases=/var/lib/pam-netns/leases/default/uid
	su alice -c true
	host_clean
	for ((i = 0; i < 100; i++)); do
		ln -s "10.203.99.$i" "$leases/$((50000 + i))"
	done
	limited user.max_net_namespaces 100 '10[1-9] users with an address need 1[67][0-9] network namespaces'
	limited net.netfilter.nf_conntrack_max 262144 '10[1-9] users with an address need [0-9]+ connections'
	for ((i = 0; i < 1000; i++)); do
		ln -sfn "10.203.98.$i" "$leases/$((50000 + i))"
	done
	present 'nf_conntrack_max is [0-9]+, but 1[0-9]+ users with an address may need [0-9]+ connections -> write smaller max_connections'
	rm "$leases"/5*
}

# Users' right to make user namespaces is the host's choice: a note, not a warning.
test_user_namespaces_are_noted() {
	local said
	echo 1000 >"$OUT/limit"
	mount --bind "$OUT/limit" /proc/sys/user/max_user_namespaces
	said=$(findings)
	if [[ $(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null) != 0 &&
		$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null) != 1 ]]; then
		mend '^note userns: '
	else
		assert_match 'ok   userns' "$said"
		echo 0 >"$OUT/limit"
	fi
	assert_match '^no problem, 0 warnings' "$(tail -n 1 <<<"$said")"
	assert_match 'ok   userns' "$(findings)"
	umount /proc/sys/user/max_user_namespaces
}

# Users who administer their network have a user namespace in any case.
test_t59_what_owners_of_networks_can_take_is_noted() {
	conf_set net_admin yes
	assert_match 'note userns: \[profile default\] net_admin = yes: .*memory that no limit counts.*many bridges' "$(findings)"
	echo 0 >"$OUT/limit"
	mount --bind "$OUT/limit" /proc/sys/user/max_user_namespaces
	mend '^FAIL userns: '
	assert_eq 1000 "$(cat /proc/sys/user/max_user_namespaces)"
	assert_match 'note userns' "$(findings)"
	umount /proc/sys/user/max_user_namespaces
	# What was not tried is not told as fine.
	assert_match 'warn userns: \[profile default\] net_admin = yes: cannot try whether this kernel' \
		"$(setpriv --bounding-set=-setuid --inh-caps=-setuid pam-netns doctor || :)"
	conf_reset
}

# sysctl_mended FILE LINE SETTING VALUE: doctor finds the line, and its remedy comments it out.
sysctl_mended() {
	local command
	command=$(remedy "^warn sysctl: $1:$2: whenever this file is applied .*: $3 = $4 ")
	assert_eq "sed -i '$2s/^/#/' $1" "$command"
	eval "$command"
	absent 'whenever this file is applied'
}

test_lines_of_sysctl_files_are_found() {
	local file=/etc/sysctl.d/70-hardened.conf
	absent 'whenever this file is applied'
	printf '# ours\nnet.ipv4.conf.all.rp_filter = 1\n-net/ipv4/ip_forward=0\n' >"$file"
	sysctl_mended "$file" 3 net.ipv4.ip_forward 0
	# A later file counts more than an earlier one, and /etc/sysctl.conf the most.
	echo 'net.ipv6.conf.all.disable_ipv6 = 1' >"$file"
	sysctl_mended "$file" 1 net.ipv6.conf.all.disable_ipv6 1
	echo 'net.ipv6.conf.all.disable_ipv6 = 1' >"$file"
	echo 'net.ipv6.conf.all.disable_ipv6 = 0' >/etc/sysctl.d/80-later.conf
	absent 'whenever this file is applied'
	printf '\nnet.ipv6.conf.all.forwarding = 0\n' >/etc/sysctl.conf
	sysctl_mended /etc/sysctl.conf 2 net.ipv6.conf.all.forwarding 0
	# A file in /etc/sysctl.d hides the one of the same name in /usr/lib/sysctl.d.
	echo 'net.ipv4.ip_forward = 0' >/usr/lib/sysctl.d/75-vendor.conf
	present '/usr/lib/sysctl.d/75-vendor.conf:1: '
	: >/etc/sysctl.d/75-vendor.conf
	absent 'whenever this file is applied'
	rm "$file" /etc/sysctl.d/80-later.conf /etc/sysctl.d/75-vendor.conf /usr/lib/sysctl.d/75-vendor.conf /etc/sysctl.conf
}

# IPv6 is disabled now and at the next boot: one command mends both.
test_ipv6_disabled_by_a_file_is_found() {
	local file=/etc/sysctl.d/70-hardened.conf
	printf 'net.ipv6.conf.all.disable_ipv6 = 1\nnet.ipv6.conf.default.disable_ipv6 = 1\n' >"$file"
	sysctl -q -p "$file"
	mend '^warn ipv6: .*IPv6 is disabled on this host'
	absent 'IPv6 is disabled|whenever this file is applied'
	assert_eq '' "$(grep -v '^#' "$file" || :)"
	rm "$file"
}

# If the host's own ports begin at 1024, no port range is left for users.
test_small_port_range_for_nat_is_found() {
	absent 'nat: the host'
	sysctl -q -w net.ipv4.ip_local_port_range='1024 65000'
	mend '^warn nat: .*: net.ipv4.ip_local_port_range = 1024[^0-9]65000'
	absent 'nat: the host'
	# The note counts connections toward one server; alice alone can have 4,096.
	hold_session one alice
	absent '^note nat'
	conf_set max_connections 40000
	assert_match 'write max_connections = [0-9]+ in the networks' "$(remedy '^note nat: 1 active users can take all [0-9]+ ports')"
	assert_match '^no problem, 0 warnings' "$(findings | tail -n 1)"
	conf_set max_connections "$(findings | sed -n 's/^note nat.*max_connections = \([0-9]*\) .*/\1/p')"
	pam-netns up
	absent '^note nat'
	end_session one
	host_clean
	conf_back
}

# A kernel with loadable modules, of which none is loaded. The list has those that it needs, after a colon.
test_modules_that_cannot_be_loaded_are_found() {
	local dir module all='veth bridge nf_tables nft_ct nft_chain_nat nft_masq nft_nat nft_limit nft_connlimit nft_reject_inet'
	dir=/lib/modules/$(uname -r)
	present 'ok   modules: '
	mount -t tmpfs none /sys/module
	mkdir -p "$dir"
	rm -f "$dir"/modules.{dep,builtin}
	for module in $all; do
		echo "kernel/net/$module.ko.xz: kernel/net/x_tables.ko.xz" >>"$dir/modules.dep"
	done
	present 'ok   modules: '
	sed -i 's,^kernel/net/veth.ko.xz: .*,kernel/net/other.ko.xz: kernel/net/veth.ko.xz,' "$dir/modules.dep"
	present 'FAIL modules: this kernel has no module veth, so logins are refused -> install '
	echo kernel/drivers/net/veth.ko >"$dir/modules.builtin"
	present 'ok   modules: '
	mkdir "$OUT/kernel"
	echo 1 >"$OUT/kernel/modules_disabled"
	mount --bind "$OUT/kernel" /proc/sys/kernel
	present 'FAIL modules: module bridge is not loaded, and kernel.modules_disabled = 1 .* -> echo bridge >>/etc/modules-load.d'
	assert_eq 9 "$(findings | grep -c 'FAIL modules')"
	for module in $all; do
		mkdir "/sys/module/$module"
	done
	present 'ok   modules: '
	umount /proc/sys/kernel /sys/module
	rm -r "$dir"
}

test_full_file_systems_are_found() {
	local dir=/var/lib/pam-netns
	present 'ok   space: '
	mount -t tmpfs -o size=1m,nr_inodes=200 none "$dir"
	present 'ok   space: '
	dd if=/dev/zero of="$dir/big" bs=1000000 count=1 2>/dev/null
	present 'warn space: [0-4] % of the blocks at /var/lib/pam-netns are free; .* -> df -h /var/lib/pam-netns'
	dd if=/dev/zero of="$dir/more" bs=1000000 count=1 2>/dev/null || :
	present 'FAIL space: no blocks at /var/lib/pam-netns are free, so logins are refused -> df -h'
	rm "$dir/big" "$dir/more"
	present 'ok   space: '
	touch "$dir"/{1..196}
	present 'warn space: [0-4] % of the inodes at'
	assert_fails touch "$dir"/{201..209}
	present 'FAIL space: no inodes at /var/lib/pam-netns are free, .* -> df -i'
	umount "$dir"
	present 'ok   space: '
}

# As an old nft, or a kernel without a module. The wrapper refuses to try rules, and names no reason.
test_refused_rules_are_found() {
	local nft
	nft=$(command -v nft)
	present 'ok   rules: '
	nft list ruleset >"$OUT/before"
	mv "$nft" "$nft.away"
	# shellcheck disable=SC2016 # the wrapper expands it
	printf '#!/bin/sh\n[ "$1" != -c ] || exec %s -c add rule inet none none accept\nexec %s "$@"\n' "$nft.away" "$nft.away" >"$nft"
	chmod 0755 "$nft"
	present 'FAIL rules: .*/nft or this kernel refuses our firewall rules, so logins are refused -> pam-netns up'
	mv "$nft.away" "$nft"
	present 'ok   rules: '
	assert_same "$(<"$OUT/before")" "$(nft list ruleset)" "rules"
	# No subnet was chosen yet.
	pam-netns down
	conf_set subnet auto
	rm -r /var/lib/pam-netns/leases/default
	present 'ok   rules: '
	assert_eq '' "$(nft list tables)"
	conf_back
}
