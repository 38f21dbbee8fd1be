# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Events while users are active or logged out: an upgrade, down and up, a power cut, a clock that is set
# back, file systems that are full or read-only. Sessions go on. The next login works or names the cause,
# and leaves nothing half made.

OLDER=/root/older OLDER_BUILD=/root/older-build
# Not on /run, which these tests fill.
OUT=/var/out
USERS=/run/pam-netns/users
LEASES=/var/lib/pam-netns/leases/default

setup() {
	install -d -m 1777 "$OUT"
	host_pam_install
	echo 'session required pam_netns.so' >/etc/pam.d/only
	su alice -c true
	host_clean 5
}

netns_of() {
	pam_session -u only "$1" readlink /proc/self/ns/net
}

# reaches SESSION: the session reaches the outside in both families.
reaches() {
	assert_match "^you are $HOST4" "$(in_session "$1" "curl -sS -m 5 http://$OUTSIDE4/")"
	assert_match "^you are $HOST6" "$(in_session "$1" "curl -sS -m 5 'http://[$OUTSIDE6]/'")"
}

rules() {
	nft -s -t list table inet pam_netns
}

# --- upgrade ---

# older_build: an older version. Its records lack a key and have another, its module sends other messages
# to the helper, and its rules lack one.
older_build() {
	rsync -a --exclude /build --exclude /.git "$CHECKOUT/" "$OLDER"
	# make compiles only the files that differ.
	rsync -a --exclude /unit --exclude /fuzz --exclude /mutants --exclude /coverage --exclude /plain \
		--exclude /tests /srv/build/ "$OLDER_BUILD"
	cd "$OLDER" || fail 'no copy'
	sed -i '/struct user_state, runtime_dir/d' lib/state/state.c
	sed -i 's/buffer_add_string(&b, RECORD_END)/buffer_add_string(\&b, "colour=blue\\n" RECORD_END)/' lib/state/record.c
	sed -i 's/FIELD("tty", tty)/FIELD("terminal", tty)/' lib/call/message.c
	sed -i '/daddr 169.254.0.0/d' lib/rules/ruleset.c
	touch cli/main.c
	! diff -r lib "$CHECKOUT/lib" >"$OUT/older" || fail "nothing was changed"
	assert_eq 4 "$(grep -c '^diff' "$OUT/older")" "files that differ in the older version"
	version older >&2
	cd /
}

# version older|this: installs it as an administrator does.
version() {
	local from=$CHECKOUT build=/srv/build options=()
	[[ $1 != older ]] || from=$OLDER build=$OLDER_BUILD options=(VERSION=0.0.9)
	make -s -C "$from" B="$build" "${options[@]}" install
}

# version_change FROM TO: alice logs in with the first version; then the second is installed. Her session
# goes on, her next login joins the same network, and the rules are those of the second version.
version_change() {
	local inside
	version "$1" >/dev/null
	hold_session one alice
	hold_session two bob
	inside=$(in_session one 'readlink /proc/self/ns/net')
	version "$2" >/dev/null
	reaches one
	assert_eq "$inside" "$(netns_of alice)"
	assert_eq "$inside" "$(ssh_as alice -- readlink /proc/self/ns/net)"
	assert_ne "$inside" "$(netns_of bob)"
	reaches one
	reaches two
	wait_until 5 sessions_are alice 1
	# sshd still has the first version's module in memory, which the new helper may not understand.
	end_session one
	end_session two
	wait_until 10 eval 'pam-netns gc && host_is_clean'
}

test_upgrade_while_users_are_active() {
	local rules
	su alice -c true
	rules=$(rules)
	[[ -d $OLDER ]] || older_build
	assert_eq 'pam-netns 0.0.9' "$(pam-netns --version)"
	su alice -c true
	assert_eq 1 "$(diff <(echo "$rules") <(rules) | grep -c '^[<>]')" "rules that differ in the older version"
	hold_session one alice
	assert_match 'colour=' "$(<"$USERS/2001/state")"
	assert_no_match 'runtime_dir=' "$(<"$USERS/2001/state")"
	end_session one
	version_change older this
	assert_ne 'pam-netns 0.0.9' "$(pam-netns --version)"
	assert_same "$rules" "$(rules)" "rules after the upgrade"
}

test_downgrade_while_users_are_active() {
	[[ -d $OLDER ]] || older_build
	version_change this older
	version this >/dev/null
}

# A login while files are being replaced is not refused.
test_logins_during_installation_work() {
	local installer logins=0 seen
	: >"$OUT/installed"
	until [[ -e $OUT/enough ]]; do
		version this
		echo >>"$OUT/installed"
	done >/dev/null &
	installer=$!
	while ((logins < 20 || $(wc -l <"$OUT/installed") < 3)); do
		! process_gone "$installer" || fail 'the installation has failed'
		seen=$(netns_of bob)
		assert_ne "$(readlink /proc/self/ns/net)" "$seen"
		logins=$((logins + 1))
	done
	touch "$OUT/enough"
	wait "$installer"
	host_clean 5
}

# --- down and up ---

# down refuses while users are active. down --force removes their uplinks; up or the next login of any user
# connects the same namespaces again. gc runs each minute. It must not fail, nor set up the network.
test_down_and_up_keep_namespaces_of_active_users() {
	local inside what
	hold_session one alice
	inside=$(in_session one 'readlink /proc/self/ns/net')
	assert_fails pam-netns down
	reaches one
	for what in 'pam-netns up' 'su bob -c true' 'su alice -c true'; do
		pam-netns down --force
		assert_eq '' "$(nft list tables | grep pam_netns || :)" "tables"
		assert_fails in_session one "curl -sS -m 1 http://$OUTSIDE4/"
		assert_eq '' "$(pam-netns gc 2>&1)" "gc without a network"
		assert_eq '' "$(nft list tables | grep pam_netns || :)" "tables after gc"
		$what
		assert_eq "$inside" "$(netns_of alice)" "network after $what"
		reaches one
	done
	end_session one
	host_clean 15
}

# --- a boot ---

# power_cut: only the disk is left. Sessions, namespaces, mounts, /run, bridge and rules are gone, and
# forwarding is off.
power_cut() {
	local pid
	for pid in $(find "$USERS" -path '*/sessions/*' -printf '%f\n' | cut -d . -f 1); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	pkill -KILL -u alice,bob,longuid || :
	awk '$5 ~ "^/run/(pam-netns|netns)(/|$)" { print $5 }' /proc/self/mountinfo | sort -r |
		xargs -r umount -l
	rm -rf /run/pam-netns /run/netns
	nft flush ruleset
	ip link delete pnbr0
	ip route flush type unreachable
	ip -6 route flush type unreachable
	forwarding_set 0
}

addresses_of() {
	su "$1" -c 'ip -o address show dev eth0 scope global' | grep -oE '(10\.|fd)[0-9a-f.:]+/[0-9]+'
}

# alice's address does not follow from her uid, so only the lease can give it again.
test_boot_after_power_cut_gives_same_addresses() {
	local before=() user rules
	su carol -c true
	host_clean 5
	lease_forget 2001
	ln -s 60001 "$LEASES/address/10.203.7.209"
	ln -s 10.203.7.209 "$LEASES/uid/60001"
	for user in alice bob longuid; do
		before[${#before[@]}]=$(addresses_of "$user")
	done
	host_clean 5
	lease_forget 60001
	rules=$(rules)
	hold_session one alice
	hold_session two bob
	in_session one 'echo kept >/var/tmp/kept; echo gone >/tmp/gone'
	power_cut
	host_clean 5 # the kernel removes network namespaces a moment later
	for user in longuid alice bob; do
		addresses_of "$user" >"$OUT/addresses.$user"
	done
	assert_same "${before[0]}" "$(<"$OUT/addresses.alice")" "alice's addresses"
	assert_match '^10[.0-9]*/32' "${before[0]}"
	assert_no_match '^10.203.7.209/' "${before[0]}"
	assert_same "${before[1]}" "$(<"$OUT/addresses.bob")" "bob's addresses"
	assert_same "${before[2]}" "$(<"$OUT/addresses.longuid")" "longuid's addresses"
	assert_same "$rules" "$(rules)" "rules"
	assert_eq kept "$(su alice -c 'cat /var/tmp/kept; cat /tmp/gone 2>/dev/null || :')"
	hold_session one alice
	reaches one
	end_session one
	lease_forget 2001
	host_clean 10
}

# --- the clock ---

# The clock is set back by seventy years: nothing waits for the old time, and an edit of the conf file is
# seen although it is older than the set-up.
test_clock_set_back_delays_nothing() {
	local inside log start
	hold_session one alice
	inside=$(in_session one 'readlink /proc/self/ns/net')
	sed -i 's/^since=.*/since=4000000000/' "$USERS"/2001/{state,sessions/*}
	find /run/pam-netns /var/lib/pam-netns/leases /etc/security \( -name pins -o -name hostproc \) -prune -o \
		-exec touch -h -d 2096-10-02 {} +
	assert_eq "$inside" "$(netns_of alice)"
	assert_match '"since": ?"2096-' "$(pam-netns list --json)"
	assert_match '2096' "$(pam-netns status alice)"
	sed -i 's/^max_connections.*/max_connections = 77/' "$CONF"
	assert_eq "$inside" "$(netns_of alice)"
	assert_match 'ct count 77' "$(rules)"
	reaches one
	start=$SECONDS
	end_session one
	host_clean 5
	((SECONDS - start < 5)) || fail "the last logout took $((SECONDS - start)) s"
	log=$(log_grep 'last logout: user=alice')
	assert_match 'seconds=0 ' "$log"
	conf_reset
	su alice -c true
	host_clean 5
}

# Decisions about time use the monotonic clock. The wall clock gives the time of a login and the name of a
# directory. Leases have an age in days that outlives boots: a wrong clock changes only which unused lease
# is given up.
test_wall_clock_is_read_in_known_files_only() {
	assert_same "$(printf '%s\n' helper/pam-netns-helper/{gc_leases,login,resources/record}.c lib/ns/persistent.c lib/state/lease_use.c)" \
		"$(cd "$CHECKOUT" && grep -rlE --include=*.c '\<time\(|CLOCK_REALTIME|gettimeofday\(|ftime\(|timespec_get' \
			lib helper/pam-netns-helper helper/pam-netns-enter pam_module | sort)"
}

# --- full file systems ---

# room FOLDER pages|inodes NUMBER: leaves so many free on the tmpfs at FOLDER.
room() {
	case $2 in
	pages) mount -o "remount,size=$(($(df --output=used -k "$1" | tail -n 1) + $3 * 4))k" "$1" ;;
	inodes) mount -o "remount,nr_inodes=$(($(df --output=iused "$1" | tail -n 1) + $3))" "$1" ;;
	esac
}

room_again() {
	mount -o remount,size=50%,nr_inodes=400000 "$1"
}

# login_or_reason USER REGEX: the login is isolated, or refused with a cause in the log that matches. Then
# nothing of the user is left. Sets $in to yes or no.
login_or_reason() {
	local seen
	in=no
	log_mark
	if seen=$(pam_session -u only "$1" readlink /proc/self/ns/net 2>"$OUT/said"); then
		in=yes
		assert_ne "$(readlink /proc/self/ns/net)" "$seen"
	else
		assert_match 'Login refused' "$(<"$OUT/said")"
		log_grep "pam_netns.*($2)" >/dev/null
		assert_no_log 'signal [0-9]'
	fi
	host_clean 10
}

# little_room WHAT: logins with 0, 1, 2 … free pages, then inodes, until one works.
little_room() {
	local what left in
	for what in pages inodes; do
		in=no
		for ((left = 0; left < 60; left++)); do
			case $1 in
			down) pam-netns down ;;
			ports) : >/run/pam-netns/networks/default/ports ;;
			esac
			room /run "$what" "$left"
			login_or_reason alice 'No space left'
			room_again /run
			[[ $in == no ]] || break
		done
		echo "$1: works with $left $what"
		((left > 0)) || fail "nothing was refused with no $what"
		[[ $in == yes ]] || fail "still refused with $left $what"
		login_or_reason alice none
		assert_eq yes "$in"
	done
}

test_login_with_little_room_on_run_works_or_is_refused() {
	little_room up
}

# A write through a mapping must not end the helper by a signal.
test_counts_with_little_room_on_run_refuse_without_signal() {
	little_room ports
}

test_set_up_with_little_room_on_run_works_or_is_refused() {
	little_room down
}

# A user fills /run. Active users keep their network and can log out; further logins are refused.
test_run_that_fills_up_keeps_active_users() {
	local inside in user
	install -d -m 1777 /run/screen
	pam-netns gc
	hold_session one alice
	mount -o remount,size=4m /run
	setpriv --reuid bob --regid 2002 --clear-groups dd if=/dev/zero of=/run/screen/full bs=4k 2>/dev/null || :
	assert_eq 0 "$(df --output=avail /run | tail -n 1 | tr -d ' ')" "space on /run"
	reaches one
	assert_fails netns_of alice
	assert_fails netns_of carol
	log_grep 'pam_netns.*No space left' >/dev/null
	pam-netns gc
	assert_match 'alice' "$(pam-netns list)"
	end_session one
	host_clean 15
	rm /run/screen/full
	room_again /run
	hold_session one alice
	inside=$(in_session one 'readlink /proc/self/ns/net')
	room /run inodes 0
	assert_fails netns_of alice
	reaches one
	room_again /run
	assert_eq "$inside" "$(netns_of alice)"
	room /run inodes 0
	end_session one
	host_clean 15
	room_again /run
	for user in alice carol; do
		login_or_reason "$user" none
		assert_eq yes "$in"
	done
}

# --- /var/lib ---

# lib_mount: a file system for /var/lib/pam-netns, with the same contents.
lib_mount() {
	mkdir -p /run/lib
	cp -a /var/lib/pam-netns /run/lib/
	mount -t tmpfs -o mode=755 lib /var/lib/pam-netns
	cp -a /run/lib/pam-netns/. /var/lib/pam-netns/
}

lib_umount() {
	umount /var/lib/pam-netns
	rm -rf /run/lib
}

lease_forget() {
	rm -f "$LEASES/uid/$1"
	find "$LEASES/address" -lname "$1" -delete
	rm -rf "/var/lib/pam-netns/private/$1"
}

# A user with a lease needs no write to it. A user without a lease is refused, and the log has the cause.
test_read_only_var_lib_refuses_only_new_users() {
	local in
	su alice -c true
	host_clean 5
	lease_forget 2003
	lib_mount
	mount -o remount,ro /var/lib/pam-netns
	login_or_reason alice none
	assert_eq yes "$in"
	login_or_reason carol '/var/lib/pam-netns/leases/default/.*Read-only file system'
	assert_eq no "$in"
	mount -o remount,rw /var/lib/pam-netns
	login_or_reason carol none
	assert_eq yes "$in"
	lib_umount
}

# If the file system is full at any step, the login is refused, and leaves no half of a lease.
test_full_var_lib_leaves_no_half_lease() {
	local left in=no
	su alice -c true
	host_clean 5
	lib_mount
	for ((left = 0; left < 20; left++)); do
		lease_forget 2003
		room /var/lib/pam-netns inodes "$left"
		login_or_reason alice none
		assert_eq yes "$in"
		login_or_reason carol '/var/lib/pam-netns/.*No space left'
		room_again /var/lib/pam-netns
		assert_eq "$(find "$LEASES/uid" -type l | wc -l)" "$(find "$LEASES/address" -type l | wc -l)" "halves of leases"
		[[ $in == no ]] || break
		login_or_reason carol none
		assert_eq yes "$in"
	done
	echo "works with $left inodes"
	((left > 0 && left < 20)) || fail "with $left inodes"
	lib_umount
}

# Before each test, even if the one before it failed: the runner's output is on /run.
room_again /run
rm -rf "${OUT:?}"/*
[[ $(pam-netns --version) != 'pam-netns 0.0.9' ]] || version this >/dev/null
! mountpoint -q /var/lib/pam-netns || lib_umount
conf_reset
