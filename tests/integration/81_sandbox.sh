# shellcheck shell=bash
# The helper's system call filter, capabilities and no_new_privs. These tests install the strict build, which
# the kernel kills at a system call that is not on the allow-list.

setup() {
	host_pam_install
	cat >/etc/pam.d/nstest <<-END
		auth required pam_permit.so
		account required pam_permit.so
		session required pam_netns.so
	END
	install -m 0755 /srv/build/strict/pam-netns-helper /usr/libexec/pam-netns/pam-netns-helper
}

# lock_waiter: prints the pid of the process that waits for alice's lock.
lock_waiter() {
	sed -nE 's/.*-> POSIX +ADVISORY +WRITE ([0-9]+) .* 2001 2001$/\1/p' /proc/locks
}

waiter_there() {
	[[ -n $(lock_waiter) ]]
}

# with_waiting_helper COMMAND…: runs it while a helper waits for alice's lock; HELPER is its pid.
with_waiting_helper() {
	local holder caller code=0
	rm -f "$OUT/held"
	"$TOOLS/host-lockhold" 2001 "$OUT/held" &
	holder=$!
	wait_until 2 test -e "$OUT/held"
	pamtester nstest alice open_session close_session >/dev/null &
	caller=$!
	wait_until 10 waiter_there
	HELPER=$(lock_waiter)
	("$@") || code=$?
	kill "$holder"
	wait "$holder" || true
	wait "$caller" || fail "the waiting login failed"
	return "$code"
}

status_field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# CAP_CHOWN 0, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, NET_ADMIN 12, SYS_CHROOT 18, SYS_PTRACE 19, SYS_ADMIN 21, SYS_TIME 25
CAPABILITIES=00000000022c10f9
# DAC_OVERRIDE 1 is not effective.
HELD=00000000022c10fb

assert_limits() {
	assert_eq 2 "$(status_field "$HELPER" Seccomp)" "seccomp mode"
	assert_eq 1 "$(status_field "$HELPER" NoNewPrivs)" no_new_privs
	assert_eq "$CAPABILITIES" "$(status_field "$HELPER" CapEff)" "effective capabilities"
	assert_eq "$HELD" "$(status_field "$HELPER" CapPrm)" "permitted capabilities"
	assert_eq 0000000000000000 "$(status_field "$HELPER" CapInh)" "inheritable capabilities"
	assert_eq 0000000000000000 "$(status_field "$HELPER" CapAmb)" "ambient capabilities"
	assert_eq $'0\t0\t0\t0' "$(status_field "$HELPER" Uid)" uids
	assert_eq $'0\t0\t0\t0' "$(status_field "$HELPER" Gid)" gids
	assert_eq "" "$(status_field "$HELPER" Groups | tr -d ' ')" groups
	assert_eq 0 "$(tr '\0' '\n' <"/proc/$HELPER/environ" | wc -l)" "environment"
	# Headers, constants, and data that was relocated at the start (RELRO).
	assert_eq "r--p r-xp r--p r--p rw-p" \
		"$(awk '$NF ~ /pam-netns-helper$/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$HELPER/maps")" memory
}

test_running_helper_has_filter_and_few_capabilities() {
	pam-netns up
	with_waiting_helper assert_limits
	host_clean
}

# The bounding set is unchanged, but nft, which the helper starts as root, gets no capability by it.
test_nft_gets_no_further_capability() {
	local nft field
	nft=$(readlink -f "$(command -v nft)")
	pam-netns down
	mv "$nft" "$nft.real"
	cat >"$nft" <<-END
		#!/bin/sh
		while read -r line; do echo "\$line"; done </proc/self/status >/run/nft.status
		exec $nft.real "\$@"
	END
	chmod 755 "$nft"
	pam-netns up
	mv "$nft.real" "$nft"
	for field in CapEff CapPrm; do
		assert_eq "$CAPABILITIES" "$(sed -n "s/^$field:[[:space:]]*//p" /run/nft.status)" "$field of nft"
	done
	assert_ne "$CAPABILITIES" "$(sed -n 's/^CapBnd:[[:space:]]*//p' /run/nft.status)" "bounding set"
	pam-netns down
}

test_first_login_passes_the_filter() {
	pam-netns down
	assert_match 'you are 198.51.100.2' "$(ssh_as alice -- curl -s -m 5 "http://$OUTSIDE4/")"
	assert_match 'you are 2001:db8:51::2' "$(ssh_as bob -- curl -s -m 5 "http://[$OUTSIDE6]/")"
}

test_every_verb_passes_the_filter() {
	pam-netns up
	hold_session one alice
	hold_session two alice
	assert_ne "$(netns_inode self)" "$(in_session one 'stat -L -c %i /proc/self/ns/net')"
	assert_eq "$(in_session one 'stat -L -c %i /proc/self/ns/net')" \
		"$(in_session two 'stat -L -c %i /proc/self/ns/net')"
	pam-netns gc
	nft flush ruleset
	ssh_as bob -- true
	ip link del "$(pam-netns list --json | jq -r '.[] | select(.user == "alice").interface')"
	ssh_as alice -- true
	in_session one "curl -s -m 5 http://$OUTSIDE4/"
	end_session two
	pam-netns kick alice
	host_clean
	pam-netns down
}

# All calls of a user's view: links to a home, targets below hidden folders, covering again.
test_view_passes_the_filter() {
	mkdir -p /srv/secret /srv/homes
	mv /home/alice /srv/homes/alice
	ln -s /srv/homes/alice /home/alice
	conf_set processes 'own lab'
	conf_set hide '/home/* /srv/homes /srv/secret ?/srv/absent'
	conf_set read_only /usr
	conf_set bind '/etc/hostname:/srv/secret/deep/name:ro /srv/homes/%u:/mnt'
	hold_session one alice
	assert_eq "$(</etc/hostname)" "$(in_session one 'cat /srv/secret/deep/name')"
	mv /srv/secret /srv/old
	mkdir /srv/secret /srv/absent
	touch /srv/secret/file /srv/absent/file
	pam-netns gc
	ssh_as alice -- true
	assert_eq '' "$(in_session one 'ls /srv/absent')"
	end_session one
	host_clean
	rm -r /srv/secret /srv/old /srv/absent /home/alice
	mv /srv/homes/alice /home/alice
	conf_reset
}

test_gc_of_leftovers_passes_the_filter() {
	ssh_as alice -- true
	host_clean
	mkdir -p /run/pam-netns/pins/.2001
	: >/run/pam-netns/pins/.2001/net
	ip link add pnu1jm5 type bridge
	pam-netns gc
	host_clean
}

test_net_admin_passes_the_filter() {
	conf_set net_admin yes
	ssh_as alice -- 'PATH=$PATH:/usr/sbin:/sbin; ip link add br9 type bridge'
	host_clean
	conf_reset
}
