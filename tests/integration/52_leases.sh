# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Leases in a /28, whose 13 addresses are for 15 users. An address never has two users, and nothing of the
# old user comes to the new one.

LEASES=/var/lib/pam-netns/leases/default
ABSENT=/var/lib/pam-netns/leases/.absent

conf_small() {
	cat >"$CONF" <<-'END'
		[network default]
		subnet = 10.77.0.0/28
		subnet6 = fd00:77::/64
		egress = any
		peers = group
		[profile staff]
		match = root, @sudo, 1-999
		isolate = no
		[profile default]
		match = *
	END
}

# The reaper releases the lock of a user a moment after the last leftover is gone, and a login passes over
# leases whose user is locked.
host_idle() {
	host_clean
	wait_until 20 eval '! pgrep -f pam-netns-helper >/dev/null'
}

setup() {
	host_pam_install
	users_add pupil 2101 15
	conf_small
	pam-netns up
}

# pupils_fill: pupils 1 to 13 have leases, pupil 1 the oldest. No user is active.
pupils_fill() {
	local i
	pupils_leave
	rm -rf /var/lib/pam-netns/leases
	for ((i = 1; i <= 13; i++)); do
		su "pupil$i" -c true
	done
	host_idle
	for ((i = 1; i <= 13; i++)); do
		used_days_ago "pupil$i" $((15 - i))
	done
}

used_days_ago() {
	touch -h -d "$2 days ago" "$LEASES/uid/$(id -u "$1")"
}

lease_of() {
	readlink "$LEASES/uid/$(id -u "$1")"
}

# pupils_stay FIRST LAST: these pupils are active until pupils_leave.
pupils_stay() {
	local i
	for ((i = $1; i <= $2; i++)); do
		su "pupil$i" -c 'sleep 600' &
	done
	for ((i = $1; i <= $2; i++)); do
		wait_until 20 test -e "/run/pam-netns/users/$((2100 + i))/sessions"
	done
}

# A session is recorded before its command runs, so the signal is repeated.
pupils_leave() {
	wait_until 60 pupils_gone
}

pupils_gone() {
	pkill -u "$(seq -s , 2101 2115)" || :
	host_is_clean
}

# pupil_leaves UID: ends one pupil's processes. The others stay.
pupil_leaves() {
	wait_until 30 pupil_gone "$1"
}

pupil_gone() {
	pkill -u "$1" || :
	[[ ! -e /run/pam-netns/users/$1 ]]
}

# Each lease has both halves.
leases_are_sound() {
	local uid
	assert_eq "$(find "$LEASES/uid" -type l | wc -l)" "$(find "$LEASES/address" -type l | wc -l)" halves
	for uid in "$LEASES"/uid/*; do
		assert_eq "${uid##*/}" "$(readlink "$LEASES/address/$(readlink "$uid")")" "$uid"
	done
}

test_longest_unused_lease_goes_to_a_new_user() {
	local old
	pupils_fill
	old=$(lease_of pupil1)
	log_mark
	assert_eq "$old" "$(su pupil14 -c "ip -4 -o address show eth0" | sed 's/.*inet \([0-9.]*\).*/\1/')"
	log_grep 'uid 2114 gets the address of uid 2101, which did not use it for 14 days'
	[[ ! -L $LEASES/uid/2101 ]] || fail 'pupil1 still has a lease'
	leases_are_sound
	host_idle
	# pupil1's next login takes pupil2's address, which is the longest unused now.
	su pupil1 -c true
	[[ ! -L $LEASES/uid/2102 ]] || fail 'pupil2 still has a lease'
	leases_are_sound
	host_idle
}

test_logout_counts_as_use() {
	pupils_fill
	su pupil1 -c true
	host_idle
	su pupil14 -c true
	[[ -L $LEASES/uid/2101 ]] || fail 'the lease that was just used is gone'
	[[ ! -L $LEASES/uid/2102 ]] || fail 'pupil2 still has a lease'
	host_idle
}

# gc marks the leases of active users as used now.
test_gc_marks_leases_of_active_users() {
	pupils_fill
	pupils_stay 1 1
	used_days_ago pupil1 20
	pam-netns gc
	[[ $(stat -c %Y "$LEASES/uid/2101") -gt $(($(date +%s) - 3600)) ]] || fail 'the lease is not marked'
	assert_eq 1 "$(find "$LEASES/uid" -type l -mtime -1 | wc -l)" 'leases used today'
	pupils_leave
}

test_login_is_refused_if_all_leases_are_active() {
	local answer
	pupils_fill
	pupils_stay 1 13
	log_mark
	answer=$(assert_fails su pupil14 -c true 2>&1)
	log_grep 'all 13 addresses of network default belong to active users: give it a larger subnet'
	assert_eq 1 "$(log_lines | grep 'addresses of network default belong' | grep -vc refused)" lines
	assert_match 'network' "$answer"
	leases_are_sound
	# One logout makes room.
	pupil_leaves 2103
	wait_until 20 su pupil14 -c true
	[[ ! -L $LEASES/uid/2103 ]] || fail 'pupil3 still has a lease'
	leases_are_sound
	pupils_leave
}

test_check_warns_if_all_addresses_are_leased() {
	pupils_fill
	assert_match '13 of 13 addresses of network default are leased' "$(pam-netns check 2>&1)"
	rm "$LEASES/address/$(lease_of pupil1)" "$LEASES/uid/2101" "$LEASES/address/$(lease_of pupil2)" "$LEASES/uid/2102"
	assert_no_match 'are leased' "$(pam-netns check 2>&1)"
}

# The new user gets an address without the old user's routes, neighbours and elements.
test_new_user_gets_no_leftovers_of_old_user() {
	local old old6
	pupils_fill
	old=$(lease_of pupil1)
	old6=fd00:77::$(printf %x "${old##*.}")
	# Leftovers of a crash: a route, a neighbour, elements of the guard for a missing port.
	ip route add "$old/32" dev pnbr0
	ip neigh add "$old" lladdr 02:6e:0a:4d:00:aa dev pnbr0 nud permanent
	ip -6 route add "$old6/128" dev pnbr0
	nft add element bridge pam_netns guard4 "{ \"pnustale\" . 02:6e:0a:4d:00:aa . $old }"
	nft delete element inet pam_netns group4 "{ $old }" 2>/dev/null || :
	nft add element inet pam_netns group4 "{ $old : 777 }"
	nft add element inet pam_netns member4 "{ $old . 777 }"
	su pupil14 -c 'sleep 600' &
	wait_until 20 test -e /run/pam-netns/users/2114/sessions
	assert_eq "$old" "$(recorded pupil14 address)"
	assert_eq 1 "$(nft list table bridge pam_netns | grep -c "$old\b")" 'elements of the guard'
	assert_eq 0 "$(nft list table inet pam_netns | grep -c 0x00000309)" 'elements of the old group'
	assert_no_match 'lladdr 02:6e:0a:4d:00:aa' "$(ip neigh show dev pnbr0)"
	reaches_outside pupil14
	pupil_leaves 2114
	host_idle
}

# A tracked connection of the old user must not become the new user's.
test_connections_of_old_user_are_removed() {
	local old
	pupils_fill
	# The bridge forwards a moment after the login, so the first packet may be lost.
	su pupil1 -c "exec 3<>/dev/udp/$OUTSIDE4/7
		for i in 1 2 3 4 5 6 7 8 9; do echo x >&3; timeout 2 head -n 1 <&3 && exit; done; exit 1" >/dev/null
	host_idle
	used_days_ago pupil1 14
	old=$(lease_of pupil1)
	"$TOOLS/host-connections" | grep -q "^$old " || fail 'the kernel forgot the connection by itself'
	su pupil14 -c true
	[[ ! -L $LEASES/uid/2101 ]] || fail 'pupil1 still has a lease'
	! "$TOOLS/host-connections" | grep "^$old " || fail 'connections of the old user are left'
	host_idle
}

# Two users, each under their own lock, need an address at once: one address is free, then two are.
test_two_users_at_once_get_two_addresses() {
	local first second code=0
	pupils_fill
	pupils_stay 1 12
	su pupil14 -c "until [ -e $OUT/enough ]; do sleep 0.1; done" 2>/dev/null &
	first=$!
	su pupil15 -c "until [ -e $OUT/enough ]; do sleep 0.1; done" 2>/dev/null &
	second=$!
	# One login is refused and ends. The other stays until the file exists.
	wait -n "$first" "$second" || code=$?
	assert_ne 0 "$code" 'status of the first to end'
	touch "$OUT/enough"
	wait -n "$first" "$second" || :
	leases_are_sound
	pupil_leaves 2111
	pupil_leaves 2112
	su pupil14 -c 'echo in'
	su pupil15 -c 'echo in'
	leases_are_sound
	pupils_leave
}

# A helper is killed at any moment: the address is the old user's, the new user's, or free.
test_helper_killed_during_lease_change_leaves_one_owner() {
	local i helper uid=2114
	pupils_fill
	for ((i = 0; i < 60; i++)); do
		su "pupil$((uid - 2100))" -c true >/dev/null 2>&1 &
		while ! helper=$(pgrep -n -x pam-netns-helpe) && ! process_gone $!; do :; done
		sleep "0.00$((i % 10))"
		[[ -z ${helper-} ]] || kill -9 "$helper" 2>/dev/null || :
		wait $! || :
		uid=$((uid == 2115 ? 2114 : 2115))
		# Each address has one owner here; each user's own link must not name another's address.
		assert_eq "" "$(for link in "$LEASES"/uid/*; do
			[[ $(readlink "$LEASES/address/$(readlink "$link")") != "${link##*/}" ]] || readlink "$link"
		done | sort | uniq -d)" 'addresses with two users'
	done
	# gc removes what the last killed helper left.
	pam-netns gc
	host_clean 30
	su pupil14 -c true
	pam-netns gc
	leases_are_sound
	host_clean 30
}

# --- uids of removed users ---

# look_again DAYS: the last look was so many days ago.
look_again() {
	touch -h -d "$1 days ago" "$ABSENT/looked"
}

passwd_without() {
	grep -v "^$1:" /etc/passwd >/etc/passwd.new && mv /etc/passwd.new /etc/passwd
}

test_gc_frees_lease_of_removed_user() {
	pupils_fill
	used_days_ago pupil5 31
	used_days_ago pupil6 31
	cp /etc/passwd "$OUT/passwd"
	passwd_without pupil5
	passwd_without pupil7
	pam-netns gc
	[[ -L $ABSENT/2105 && ! -L $ABSENT/2106 && ! -L $ABSENT/2107 ]] || fail "$(ls "$ABSENT")"
	[[ -L $LEASES/uid/2105 ]] || fail 'freed after one look'
	# A second look on the same day does not count.
	pam-netns gc
	[[ -L $LEASES/uid/2105 ]] || fail 'freed after one look'
	touch -h -d '2 days ago' "$ABSENT/2105"
	look_again 2
	assert_match 'freed the lease of uid 2105 in network default: no user has that uid' "$(pam-netns gc 2>&1)"
	[[ ! -L $LEASES/uid/2105 && -L $LEASES/uid/2106 && -L $LEASES/uid/2107 ]] || fail 'wrong lease'
	leases_are_sound
	cp "$OUT/passwd" /etc/passwd
}

test_user_who_is_added_again_keeps_the_lease() {
	pupils_fill
	used_days_ago pupil5 31
	cp /etc/passwd "$OUT/passwd"
	passwd_without pupil5
	pam-netns gc
	cp "$OUT/passwd" /etc/passwd
	touch -h -d '2 days ago' "$ABSENT/2105"
	look_again 2
	pam-netns gc
	[[ -L $LEASES/uid/2105 && ! -L $ABSENT/2105 ]] || fail 'the lease was freed'
}

test_removed_user_who_is_active_keeps_the_lease() {
	pupils_fill
	pupils_stay 5 5
	cp /etc/passwd "$OUT/passwd"
	passwd_without pupil5
	used_days_ago pupil5 31 2>/dev/null || touch -h -d '31 days ago' "$LEASES/uid/2105"
	pam-netns gc
	mkdir -p "$ABSENT" && ln -sf absent "$ABSENT/2105"
	touch -h -d '2 days ago' "$ABSENT/2105" && touch -h "$ABSENT/looked"
	touch -h -d '31 days ago' "$LEASES/uid/2105"
	pam-netns gc
	[[ -L $LEASES/uid/2105 ]] || fail 'freed while the user is active'
	cp "$OUT/passwd" /etc/passwd
	pupils_leave
}

# Name services that fail do not prove that a user was removed.
test_failing_name_services_free_no_lease() {
	local answer
	pupils_fill
	used_days_ago pupil5 31
	cp /etc/passwd "$OUT/passwd"
	passwd_without pupil5
	pam-netns gc
	touch -h -d '2 days ago' "$ABSENT/2105"
	look_again 2
	# nss_fails.so makes name services fail.
	answer=$(LD_PRELOAD=$TOOLS/nss_fails.so pam-netns gc 2>&1) || :
	assert_match 'name services fail' "$answer"
	[[ -L $LEASES/uid/2105 && ! -L $ABSENT/2105 ]] || fail 'the earlier look still counts'
	look_again 2
	pam-netns gc
	[[ -L $LEASES/uid/2105 ]] || fail 'freed after one look'
	cp "$OUT/passwd" /etc/passwd
}
