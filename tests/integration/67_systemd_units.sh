# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# Our units on a host with systemd, restarts of nftables and networkd with active users, and the way back.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

UNITS=(pam-netns.service pam-netns-gc.timer pam-netns-gc.path pam-netns-resolv.path)

# pam_nologin refuses users during a boot.
JOURNAL_EXPECTED+=('sshd.*Access denied for user alice by PAM account configuration')

# README's command.
setup() {
	logind_stops_managers_at_once
	host_pam_install
	systemctl enable --quiet --now "${UNITS[@]}"
}

test_enabled_units_make_the_set_up() {
	local unit
	for unit in "${UNITS[@]}"; do
		assert_eq active "$(systemctl is-active "$unit")" "$unit"
		assert_eq enabled "$(systemctl is-enabled "$unit")" "$unit"
	done
	[[ -n $(ip link show pnbr0) ]]
	assert_eq 1 "$(cat /proc/sys/net/ipv4/ip_forward)"
	assert_eq '' "$(systemd-analyze verify --man=no "${UNITS[@]}" 2>&1 | grep pam-netns || :)"
}

# boot_again: as at a boot, `up` and the users' gate are queued together, and our networks are not there.
boot_again() {
	systemctl stop pam-netns.service systemd-user-sessions.service
	pam-netns down >&2
	systemctl daemon-reload
	systemctl start --no-block pam-netns.service systemd-user-sessions.service
}

unit_time() {
	systemctl show -P "$2" "$1"
}

# In a slow boot a login that makes the set-up may miss its deadline. This one takes two seconds.
test_at_boot_users_wait_for_the_set_up() {
	assert_eq '' "$(systemd-analyze verify --man=no multi-user.target 2>&1 | grep -i cycle || :)"
	mkdir -p /run/systemd/system/pam-netns.service.d
	printf '[Service]\nExecStartPre=sleep 2\n' >/run/systemd/system/pam-netns.service.d/slow.conf
	boot_again
	loginctl enable-linger bob
	assert_fails ssh_as alice -- true >&2
	[[ -e /run/nologin && ! -e /sys/class/net/pnbr0 ]]
	wait_until 30 systemctl --quiet is-active user@2002
	assert_eq active "$(systemctl is-active pam-netns.service)"
	[[ $(unit_time pam-netns.service ActiveEnterTimestampMonotonic) -lt $(unit_time user@2002 ExecMainStartTimestampMonotonic) ]]
	reaches_outside bob
	ssh_as alice -- true
	# Jobs have no gate of systemd's.
	assert_match '(^| )cron.service( |$)' "$(systemctl show -P Before pam-netns.service)"
	assert_match '(^| )atd.service( |$)' "$(systemctl show -P Before pam-netns.service)"
	loginctl disable-linger bob
	wait_until 30 user_manager_ended 2002
	rm -r /run/systemd/system/pam-netns.service.d
	systemctl daemon-reload
	pam-netns gc
}

# docker_unit COMMAND: a unit with Docker's name.
docker_unit() {
	printf '[Service]\nType=oneshot\nSuccessExitStatus=SIGTERM\nExecStart=%s\n' "$1" >/run/systemd/system/docker.service
	systemctl daemon-reload
	systemctl start --no-block docker.service
}

# Else the host forwards for our networks alone, and containers do not reach the outside.
test_at_boot_docker_switches_forwarding_on_first() {
	boot_again
	wait_until 30 systemctl --quiet is-active pam-netns.service
	assert_match 'IPv4 only for these networks' "$(pam-netns up)" control
	systemctl stop pam-netns.service
	pam-netns down >&2
	assert_eq 0 "$(cat /proc/sys/net/ipv4/ip_forward)"
	docker_unit '/bin/sh -c "sleep 2; echo 1 >/proc/sys/net/ipv4/ip_forward"'
	boot_again
	wait_until 30 systemctl --quiet is-active pam-netns.service
	assert_eq inactive "$(systemctl is-active docker.service || :)"
	assert_match 'forwarding: IPv4' "$(pam-netns up)"
	assert_no_match 'IPv4 only for these' "$(pam-netns up)"
	pam-netns down >&2
	echo 0 >/proc/sys/net/ipv4/ip_forward
	systemctl restart pam-netns.service
}

# `sleep` of the unit takes no time here.
test_at_boot_users_do_not_wait_for_a_docker_that_hangs() {
	mkdir -p "$OUT/bin" /run/systemd/system/pam-netns.service.d
	ln -s /bin/true "$OUT/bin/sleep"
	printf '[Service]\nEnvironment=PATH=%s:/usr/sbin:/usr/bin:/sbin:/bin\n' "$OUT/bin" >/run/systemd/system/pam-netns.service.d/bin.conf
	docker_unit '/bin/sleep infinity'
	boot_again
	wait_until 30 systemctl --quiet is-active systemd-user-sessions.service
	assert_eq activating "$(systemctl is-active docker.service || :)"
	assert_eq active "$(systemctl is-active pam-netns.service || :)"
	ssh_as alice -- true
	rm -r /run/systemd/system/pam-netns.service.d
	systemctl stop docker.service
	rm /run/systemd/system/docker.service
	systemctl daemon-reload
}

# Else each shutdown fails to unmount the pins: systemd knows the mounts in them by the names before the login.
test_shutdown_leaves_our_mounts_to_its_end() {
	local unit units
	hold_session one alice
	units=$(systemctl list-units --no-legend --plain 'run-pam*.mount' | cut -d ' ' -f 1)
	assert_match 'run-pam.x2dnetns-pins.mount' "$units"
	while read -r unit; do
		assert_eq no "$(systemctl show -P DefaultDependencies "$unit")" "$unit"
		assert_no_match umount.target "$(systemctl show -P Conflicts "$unit")" "$unit"
	done <<<"$units"
	end_session one
}

# An at job has no user manager, so its close is the last logout, and leaves a note.
test_last_logout_starts_gc_by_the_path_unit() {
	systemctl stop pam-netns-gc.timer
	at_run alice true
	log_grep 'Finished pam-netns-gc.service'
	log_grep 'last logout: user=alice'
	user_clean alice
	systemctl start pam-netns-gc.timer
}

# A start limit would stop the path unit for good.
test_many_last_logouts_leave_the_path_unit_active() {
	local i
	echo 'session required pam_netns.so' >/etc/pam.d/only
	for ((i = 0; i < 30; i++)); do
		pam_session only bob true
	done
	user_clean bob
	assert_eq active "$(systemctl is-active pam-netns-gc.path)"
	at_run alice true
	user_clean alice
	rm /etc/pam.d/only
}

# A user's manager has no right to leave a note at its end.
test_timer_removes_what_the_user_manager_leaves() {
	loginctl enable-linger bob
	wait_until 30 systemctl --quiet is-active user@2002
	loginctl disable-linger bob
	wait_until 30 user_manager_ended 2002
	[[ -e /run/netns/bob ]]
	mkdir -p /run/systemd/system/pam-netns-gc.timer.d
	printf '[Timer]\nOnBootSec=\nOnUnitInactiveSec=\nOnBootSec=1\nOnUnitInactiveSec=1\nAccuracySec=100ms\n' \
		>/run/systemd/system/pam-netns-gc.timer.d/fast.conf
	systemctl daemon-reload
	systemctl restart pam-netns-gc.timer
	log_grep 'last logout: user=bob'
	user_clean bob
	rm -r /run/systemd/system/pam-netns-gc.timer.d
	systemctl daemon-reload
	systemctl restart pam-netns-gc.timer
}

test_new_name_server_reaches_active_users_by_the_path_unit() {
	hold_session one alice
	printf 'nameserver %s\nsearch elsewhere.test\n' "$OUTSIDE4" >/etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
	wait_until 30 sh -c "nsenter --mount=/proc/$(hold_pid one)/ns/mnt grep -q elsewhere /etc/resolv.conf"
	end_session one
}

# Each of them flushes all rules, and the drop-in has ours loaded before systemctl returns.
test_rules_are_there_after_nftables_starts_restarts_and_reloads() {
	local verb
	hold_session one alice
	for verb in start restart reload; do
		systemctl "$verb" nftables
		nft list table inet pam_netns >/dev/null
		assert_match "you are $HOST4" "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")" "$verb"
	done
	systemctl stop nftables
	pam-netns gc
	reaches_outside alice
	end_session one
}

# The sandbox of the units binds the helper and nft, which load the rules anew.
test_units_mend_flushed_rules_inside_their_sandbox() {
	local unit said
	hold_session one alice
	# After ours, in the same sandbox.
	cat >"$OUT/look-pam-netns" <<-'END'
		#!/bin/sh
		grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
		touch /etc/written && exit 1
		echo "cannot write"
	END
	cp "$OUT"/look-pam-netns{,-gc}
	chmod 0755 "$OUT"/look-*
	for unit in pam-netns-gc pam-netns; do
		mkdir -p "/run/systemd/system/$unit.service.d"
		printf '[Service]\nExecStartPost=%s\n' "$OUT/look-$unit" >"/run/systemd/system/$unit.service.d/look.conf"
		systemctl daemon-reload
		nft flush ruleset
		systemctl restart "$unit.service"
		nft list table inet pam_netns >/dev/null
		reaches_outside alice
		# By the name of the script: journald may learn the unit of a short process too late.
		journalctl --sync
		said=$(journalctl -q -o cat -t "look-$unit")
		assert_match 'CapEff:[[:space:]]*00000000002c1[0-9a-f]{3}.*NoNewPrivs:[[:space:]]*1.*Seccomp:[[:space:]]*2.*cannot write' "$said" "$unit"
		rm -r "/run/systemd/system/$unit.service.d"
	done
	[[ ! -e /etc/written ]]
	systemctl daemon-reload
	end_session one
}

# In the sandbox it sees the same PAM files, programs and kernel settings.
test_up_finds_the_same_in_its_unit() {
	local plain
	cp -p /etc/ssh/sshd_config "$OUT/sshd_config"
	sed -i '1i UsePAM no' /etc/ssh/sshd_config
	echo 'session optional pam_netns.so' >/etc/pam.d/xrdp-sesman
	plain=$(pam-netns up 2>&1)
	systemctl restart pam-netns.service
	cp -p "$OUT/sshd_config" /etc/ssh/sshd_config
	rm /etc/pam.d/xrdp-sesman
	assert_match 'UsePAM' "$plain"
	assert_match 'xrdp-sesman' "$plain"
	journalctl --sync
	assert_same "$plain" "$(journalctl -q -o cat -t pam-netns | tail -n "$(wc -l <<<"$plain")")" "what up says"
}

# networkd removes routing rules that it does not know. It leaves the address: to set one, networkd of systemd 252
# fails with ERANGE on Linux 6.18.
test_restart_of_networkd_leaves_users_their_network() {
	local before
	hold_session one alice
	before=$(host_routes)
	mkdir -p /etc/systemd/network
	printf '[Match]\nName=uplink0\n[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
		>/etc/systemd/network/10-uplink.network
	systemctl start systemd-networkd
	wait_until 30 networkctl_says uplink0 configured
	assert_same "$before" "$(host_routes)" "after the start"
	systemctl restart systemd-networkd
	wait_until 30 networkctl_says uplink0 configured
	assert_same "$before" "$(host_routes)" "after the restart"
	assert_match "you are $HOST4" "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	reaches_outside alice
	assert_match "you are $HOST4" "$(ssh_as bob -- curl -sS -m 3 "http://$OUTSIDE4/")"
	end_session one
	systemctl stop systemd-networkd.socket systemd-networkd
}

# A file of networkd for all links takes users' ports out of the bridge. It does not with our example, or with
# doctor's remedy.
test_networkd_leaves_links_alone_with_the_example() {
	local remedy
	mkdir -p /etc/systemd/network
	printf '[Match]\nName=uplink0\n[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
		>/etc/systemd/network/04-uplink.network
	printf '[Match]\nName=*\n[Network]\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\n' \
		>/etc/systemd/network/99-all.network
	hold_session one alice
	systemctl start systemd-networkd
	wait_until 30 networkctl_says pnu1jl0 configured
	assert_fails user_reaches one >&2
	remedy=$({ pam-netns doctor || :; } | sed -n 's/^warn managed: systemd-networkd manages pn.* -> //p')
	cp "$CHECKOUT/conf/examples/networkd.network" /etc/systemd/network/05-pam-netns.network
	networkctl reload
	wait_until 30 networkctl_says pnu1jl0 unmanaged
	wait_until 30 networkctl_says pnbr0 unmanaged
	pam-netns gc
	user_reaches one
	assert_no_match 'warn managed' "$(pam-netns doctor || :)"
	systemctl restart systemd-networkd
	wait_until 30 networkctl_says uplink0 configured
	assert_eq 'unmanaged unmanaged' "$(networkctl list --no-legend --no-pager 'pn*' | awk '{ print $NF }' | xargs)"
	user_reaches one
	# The remedy writes such a file, too.
	rm /etc/systemd/network/05-pam-netns.network
	assert_match 'Name=.*>/etc/systemd/network/05-pam-netns.network && networkctl reload' "$remedy"
	bash -euc "$remedy"
	systemctl restart systemd-networkd
	wait_until 30 networkctl_says uplink0 configured
	assert_no_match 'warn managed' "$(pam-netns doctor || :)"
	user_reaches one
	end_session one
	systemctl stop systemd-networkd.socket systemd-networkd
	rm -r /etc/systemd/network
}

user_reaches() {
	[[ $(in_session "$1" "curl -sS -m 3 http://$OUTSIDE4/") == *"you are $HOST4"* ]]
}

# host_routes: prints our routes and routing rules.
host_routes() {
	ip rule
	ip -6 rule
	{ ip route && ip -6 route; } | grep -E 'pnbr0|unreachable' | sort
}

networkctl_says() {
	[[ $(networkctl list --no-legend --no-pager "$1") == *" $2"* ]]
}

test_restart_of_our_service_leaves_users_their_network() {
	hold_session one alice
	systemctl restart pam-netns.service
	reaches_outside alice
	systemctl stop pam-netns.service
	reaches_outside alice
	systemctl start pam-netns.service
	end_session one
}

test_y_no_unit_failed_and_the_journal_is_as_expected() {
	host_is_well
}

# README's way back.
test_z_uninstall_leaves_a_host_that_is_well() {
	local user
	ssh_as alice -- true
	host_pam_remove
	wait_until 30 user_manager_ended 2001
	pam-netns list --json | jq -r '.[].user' | while read -r user; do
		pam-netns kick "$user"
	done
	systemctl disable --quiet --now "${UNITS[@]}"
	pam-netns down
	make -s -C "$CHECKOUT" B=/srv/build uninstall >&2
	systemctl daemon-reload
	assert_eq '' "$(systemctl list-units --all --no-legend 'pam-netns*' | grep -v '\.slice' || :)" units
	assert_eq "$(netns_inode 1) running" "$(ssh_as alice -- 'echo $(stat -L -c %i /proc/self/ns/net; systemctl --user is-system-running)')"
	systemctl restart nftables
	[[ ! -e /sys/class/net/pnbr0 ]]
	host_is_well
}
