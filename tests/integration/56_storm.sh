# shellcheck shell=bash
# serial
# Many logins at once, logins against last logouts, many logins in one process: nobody refused,
# nobody on the host, one set of namespaces for each user, nothing left. `make check-long` runs the
# same with the full figures (STORM_LOGINS and so on).
#
# T2: the first-login race.

# shellcheck disable=SC2034 # read by run
TEST_TIMEOUT=120
STORM=$TOOLS/storm
LOGINS=${STORM_LOGINS:-100}
ROUNDS=${STORM_ROUNDS:-500}
SOAK=${STORM_SOAK:-500}

setup() {
	printf '%s\n' 'auth required pam_permit.so' 'account required pam_permit.so' \
		'session required pam_netns.so' >/etc/pam.d/storm
	users_add crowd 20001 "$((LOGINS > 100 ? LOGINS : 100))"
	"$STORM" users crowd 2
	host_clean 15
}

# What the kernel and the folders hold, for "nothing grew".
host_count() {
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "links $(ip -o link show | wc -l)"
	echo "neighbours $(ip neigh show nud all | wc -l)"
	echo "rules $(nft -a list table inet pam_netns | wc -l)"
	echo "processes $(ps -e -o pid= | wc -l)"
	find /run/pam-netns /run/netns -path /run/pam-netns/hostproc/proc -prune -o -print | sort
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

test_logins_against_last_logouts() {
	"$STORM" rounds crowd1 "$ROUNDS" 4
	host_clean 30
}

# Nothing of what a process or the host holds may grow with the number of logins.
test_soak() {
	local before
	export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
	"$STORM" soak crowd 4 8
	host_clean 30
	pam-netns gc
	before=$(host_count)
	"$STORM" soak crowd 4 "$SOAK"
	host_clean 30
	pam-netns gc
	assert_same "$before" "$(host_count)" "what the host holds"
	assert_eq 0 "$(guard_count)" "elements of the guard"
}
