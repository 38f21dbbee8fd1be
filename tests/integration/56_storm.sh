# shellcheck shell=bash
# serial
# Many logins at once, logins against last logouts, many logins in one process. No login is refused or on
# the host, each user has one set of namespaces, and nothing is left. `make check-long` runs the same with
# the full numbers (STORM_LOGINS and so on).
#
# T2: the first-login race.

STORM=$TOOLS/storm
LOGINS=${STORM_LOGINS:-100}
MORE=$((LOGINS + LOGINS / 10))
ROUNDS=${STORM_ROUNDS:-500}
SOAK=${STORM_SOAK:-500}

setup() {
	printf '%s\n' 'auth required pam_permit.so' 'account required pam_permit.so' \
		'session required pam_netns.so' >/etc/pam.d/storm
	users_add crowd 20001 "$((LOGINS > 100 ? MORE : 110))"
	"$STORM" users crowd 2
	host_clean 15
}

# host_count: prints counts of the kernel's objects, and our files, to compare.
host_count() {
	local processes
	processes=$(ps -e -o stat=) # not in a pipe, whose other process may or may not exist yet
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "links $(ip -o link show | wc -l)"
	echo "neighbours $(ip neigh show nud permanent | wc -l)"
	echo "rules $(nft -a list table inet pam_netns | wc -l)"
	# Zombies do not count, as in host_clean.
	echo "processes $(grep -vc '^Z' <<<"$processes")"
	find /run/pam-netns /run/netns /var/lib/pam-netns -path /run/pam-netns/hostproc/proc -prune -o -print | sort
}

# kernel_kib: prints the kernel's memory. It is the whole machine's, so it has a bound.
kernel_kib() {
	awk '/^(SUnreclaim|Percpu|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# neighbour_count: prints the number of all neighbours; the kernel's own come and go.
neighbour_count() {
	ip neigh show nud all | wc -l
}

# The guard's elements stay until gc, the leases for ever.
guard_count() {
	nft list table bridge pam_netns | grep -c 'pnu[0-9a-z]*" \.' || :
}

leases_list() {
	find /var/lib/pam-netns/leases -mindepth 1 -printf '%p %l\n' | sort
}

test_t02_many_first_logins_at_once_share_namespaces() {
	"$STORM" one-user crowd1 "$LOGINS"
	host_clean 30
}

# The race starts anew twenty times.
test_t02_repeated_first_logins_share_namespaces() {
	local i
	for ((i = 1; i <= 20; i++)); do
		"$STORM" one-user "crowd$i" 24
	done
	host_clean 30
}

# Each user of the crowd gets their own address, and gets it again.
test_t02_many_users_at_once_have_own_addresses() {
	local leases
	"$STORM" users crowd "$LOGINS"
	host_clean 30
	leases=$(leases_list)
	assert_eq "$((LOGINS > 2 ? LOGINS : 2))" "$(grep -c '/uid/.* ' <<<"$leases")" "leases"
	"$STORM" users crowd "$LOGINS"
	host_clean 30
	assert_same "$leases" "$(leases_list)" "leases after the second storm"
}

# The full numbers are 1,100 users and 1,000 ports a bridge; the kernel's limit is 1,023.
test_t27_users_beyond_ports_of_a_bridge_get_another() {
	pam-netns down
	conf_set ports_per_bridge "$LOGINS"
	"$STORM" users crowd "$MORE"
	host_clean 60
	assert_eq 'pnbr0 pnbr0.1' "$(ip -o link show type bridge | sed 's/.*: \(pnbr[0-9.]*\):.*/\1/' | sort | paste -sd ' ')"
	conf_reset
}

test_logins_during_last_logouts_work() {
	"$STORM" rounds crowd1 "$ROUNDS" 4
	host_clean 30
}

# No resource of the process or of the host grows with the number of logins.
test_many_logins_in_one_process_leave_nothing() {
	local before neighbours kib
	export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
	"$STORM" soak crowd 4 8
	host_clean 30
	pam-netns gc
	before=$(host_count)
	neighbours=$(neighbour_count)
	kib=$(kernel_kib)
	"$STORM" soak crowd 4 "$SOAK"
	host_clean 30
	pam-netns gc
	assert_same "$before" "$(host_count)" "resources of the host"
	assert_eq 0 "$(guard_count)" "elements of the guard"
	kib=$(($(kernel_kib) - kib))
	echo "kernel: $kib KiB"
	((kib < 65536)) || fail "the kernel uses $kib KiB more after $SOAK logins"
	(($(neighbour_count) <= neighbours + 2)) || fail "neighbours: $neighbours, then $(neighbour_count)"
}
