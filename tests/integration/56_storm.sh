# shellcheck shell=bash
# serial
# Many logins at once, logins against last logouts, many logins in one process: nobody refused,
# nobody on the host, one set of namespaces for each user, nothing left. `make check-long` runs the
# same with the full figures (STORM_LOGINS and so on).
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

# What the kernel and the folders hold, for "nothing grew".
host_count() {
	local processes
	processes=$(ps -e -o stat=) # no pipe, whose end may be started before or after ps looks
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "links $(ip -o link show | wc -l)"
	echo "neighbours $(ip neigh show nud permanent | wc -l)"
	echo "rules $(nft -a list table inet pam_netns | wc -l)"
	# Of a zombie nobody but its parent has to take notice; host_clean does not either.
	echo "processes $(grep -vc '^Z' <<<"$processes")"
	find /run/pam-netns /run/netns /var/lib/pam-netns -path /run/pam-netns/hostproc/proc -prune -o -print | sort
}

# Of the whole machine, so a bound and no comparison: what the kernel does not give back.
kernel_kib() {
	awk '/^(SUnreclaim|Percpu|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# All of them: those of the kernel's own come and go.
neighbour_count() {
	ip neigh show nud all | wc -l
}

# The guard's elements stay until gc; the leases stay for good.
guard_count() {
	nft list table bridge pam_netns | grep -c 'pnu[0-9a-z]*" \.' || :
}

leases_list() {
	find /var/lib/pam-netns/leases -mindepth 1 -printf '%p %l\n' | sort
}

test_t02_many_first_logins_of_one_user() {
	"$STORM" one-user crowd1 "$LOGINS"
	host_clean 30
}

# The same race, twenty times from the beginning.
test_t02_first_logins_again_and_again() {
	local i
	for ((i = 1; i <= 20; i++)); do
		"$STORM" one-user "crowd$i" 24
	done
	host_clean 30
}

# All users of the crowd, each of whom must get an address of their own, and again the same.
test_t02_many_users_at_once() {
	local leases
	"$STORM" users crowd "$LOGINS"
	host_clean 30
	leases=$(leases_list)
	assert_eq "$((LOGINS > 2 ? LOGINS : 2))" "$(grep -c '/uid/.* ' <<<"$leases")" "leases"
	"$STORM" users crowd "$LOGINS"
	host_clean 30
	assert_same "$leases" "$(leases_list)" "leases after the second storm"
}

# 1,100 users and bridges of 1,000 ports with the full figures; the kernel's limit is 1,023.
test_t27_more_users_than_a_bridge_has_ports() {
	local conf=/etc/security/pam_netns.conf
	pam-netns down
	sed -i "s/^ports_per_bridge = .*/ports_per_bridge = $LOGINS/" "$conf"
	"$STORM" users crowd "$MORE"
	host_clean 60
	assert_eq 'pnbr0 pnbr0.1' "$(ip -o link show type bridge | sed 's/.*: \(pnbr[0-9.]*\):.*/\1/' | sort | paste -sd ' ')"
	cp "$CHECKOUT/conf/pam_netns.conf" "$conf"
}

test_logins_against_last_logouts() {
	"$STORM" rounds crowd1 "$ROUNDS" 4
	host_clean 30
}

# Nothing of what a process or the host holds may grow with the number of logins.
test_soak() {
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
	assert_same "$before" "$(host_count)" "what the host holds"
	assert_eq 0 "$(guard_count)" "elements of the guard"
	kib=$(($(kernel_kib) - kib))
	echo "kernel: $kib KiB"
	((kib < 65536)) || fail "the kernel holds $kib KiB more after $SOAK logins"
	(($(neighbour_count) <= neighbours + 2)) || fail "neighbours: $neighbours, then $(neighbour_count)"
}
