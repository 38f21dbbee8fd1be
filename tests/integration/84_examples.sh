# shellcheck shell=bash
# conf/examples: each conf file is without an error, logins work with it, and it does what its comments say.

# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

EXAMPLES=$CHECKOUT/conf/examples

setup() {
	host_pam_install
	echo 'teachers:x:2200:longuid' >>/etc/group
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	probe_make
}

# example NAME: puts the example into force. The kernel of a test machine may have no controllers for
# limits; then logins would be refused.
example() {
	cp "$EXAMPLES/$1.conf" "$CONF"
	assert_eq "$CONF: ok" "$(pam-netns check "$CONF")"
	grep -qw memory /sys/fs/cgroup/cgroup.controllers || sed -i '/^limits = /d' "$CONF"
	pam-netns up
}

# user_gone USER: waits until nothing of this user is left. With systemd the user's manager ends last, and gc
# removes what it leaves.
user_gone() {
	wait_until 30 gone_after_gc "$1"
}
gone_after_gc() {
	pam-netns gc
	[[ ! -e /run/netns/$1 && ! -e /run/pam-netns/pins/$(id -u "$1") ]]
}

# logged_out USER...
logged_out() {
	local user
	for user; do
		end_session "$user"
		user_gone "$user"
	done
}

# network_of COMMAND...: prints the network of the shell that the command starts.
network_of() {
	"$@" 'readlink /proc/self/ns/net'
}

# isolated USER: by ssh and by su the user is in one network, which is not the host's.
isolated() {
	local network
	network=$(network_of ssh_as "$1" --)
	assert_ne "$(readlink /proc/1/ns/net)" "$network" "$1 by ssh"
	assert_ne "$(readlink /proc/1/ns/net)" "$(network_of su "$1" -c)" "$1 by su"
	user_gone "$1"
}

# resolves USER...: they find a name that only the name server outside knows.
resolves() {
	local user
	for user; do
		assert_match "$OUTSIDE4" "$(in_session "$user" 'getent ahostsv4 www.example.test')" "$user"
	done
}

# sees_own_processes USER, sees_all_processes USER
sees_own_processes() {
	assert_eq "$1" "$(in_session "$1" 'ps -e -o user= | sort -u | grep -v "^root$"')" "owners of the processes"
	assert_fails in_session "$1" 'ls -d /proc/1' 2>/dev/null
}
sees_all_processes() {
	in_session "$1" 'ls -d /proc/1' >/dev/null
}

on_the_host() {
	assert_eq "$(readlink /proc/1/ns/net)" "$(network_of ssh_as "$1" --)" "$1"
}

# private_kib USER: prints the size of the user's /tmp.
private_kib() {
	in_session "$1" 'df --output=size /tmp | tail -n 1' | xargs
}

# The list of examples: a new example has a test here.
test_examples_are_these() {
	assert_eq 'busybox-image.sh first-user.conf hpc-login-node.conf network-lab.sh networkd.network networkmanager.conf shell-host.conf teaching-lab.conf user-manager.conf' \
		"$(cd "$EXAMPLES" && echo *)"
}

test_first_user_alone_is_isolated() {
	example first-user
	isolated alice
	on_the_host bob
	on_the_host root
}

test_hpc_login_node_lets_users_reach_all_but_management_and_mail() {
	example hpc-login-node
	isolated alice
	on_the_host dave
	users_login alice bob
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE4 7" "icmp $OUTSIDE4"
	assert_reach alice no "tcp $OUTSIDE4 25" "icmp $(listed bob address)" "tcp $HOST4 22"
	assert_match 'deny 10.255.0.0/16' "$(pam-netns explain alice)"
	resolves alice
	sees_own_processes alice
	logged_out alice bob
}

test_teaching_lab_keeps_students_apart_and_lets_the_course_meet() {
	local name
	example teaching-lab
	isolated bob
	on_the_host dave
	users_login alice carol bob longuid
	for name in "alice lab" "carol lab" "bob student" "longuid staff"; do
		assert_eq "${name#* }" "$(listed "${name% *}" profile)" "${name% *}"
	done
	assert_eq "alice-testhost testhost testhost" "$(for name in alice bob longuid; do in_session $name 'uname -n'; done | xargs)"
	# Only the course administers its network.
	in_session alice '/sbin/ip link add br9 type bridge && /sbin/ip link show br9' >&2
	assert_fails in_session bob '/sbin/ip link add br9 type bridge' 2>/dev/null
	for name in alice bob; do
		assert_eq "/home/$name" "$(in_session $name 'echo /home/*')" "homes that $name sees"
		assert_ne "$(readlink /proc/1/ns/ipc)" "$(in_session $name 'readlink /proc/self/ns/ipc')" "$name's ipc"
	done
	in_session longuid 'ls -d /home/alice' >&2
	resolves alice bob longuid
	sees_own_processes alice
	sees_own_processes bob
	sees_all_processes longuid
	serve carol
	assert_reach alice yes "tcp $(listed carol address) 80" "icmp $(listed carol address)"
	assert_reach alice no "tcp $OUTSIDE4 80" "icmp $(listed bob address)"
	assert_reach bob yes "tcp $OUTSIDE4 80"
	assert_reach bob no "tcp $OUTSIDE4 7" "icmp $OUTSIDE4" "tcp $(listed carol address) 80"
	assert_reach longuid yes "tcp $OUTSIDE4 7" "icmp $OUTSIDE4"
	assert_eq 262144 "$(private_kib bob)" "KiB of bob's /tmp"
	# low_ports is the lab's alone.
	serve_once alice 80 low
	assert_eq low "$(in_session alice 'nc -d -w 2 127.0.0.1 80')"
	assert_match 'Permission denied' "$(in_session bob 'nc -l 80 2>&1 || :')"
	kill "$(cat "$OUT/server.carol")"
	# With systemd this needs KillUserProcesses=yes: 66_systemd_login has it.
	if [[ ! -d /run/systemd/system ]]; then
		in_session bob 'setsid sleep 300 >/dev/null 2>&1 & echo $!' >"$OUT/sleep"
		logged_out bob
		[[ ! -e /proc/$(<"$OUT/sleep") ]]
	else
		logged_out bob
	fi
	logged_out alice carol longuid
}

test_shell_host_stops_spam_and_reaches_the_hosts_mail_and_chat() {
	local server
	example shell-host
	isolated alice
	on_the_host dave
	users_login alice bob
	nc -lk 6667 >/dev/null 2>&1 &
	server=$!
	wait_until 5 sh -c 'ss -Hltn "sport = 6667" | grep -q .'
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE4 7" "tcp $HOST4 6667"
	assert_reach alice no "tcp $OUTSIDE4 25" "tcp $HOST4 22" "icmp $(listed bob address)"
	resolves alice
	sees_own_processes alice
	assert_eq /home/alice "$(in_session alice 'echo /home/*')"
	assert_eq 131072 "$(private_kib bob)" "KiB of bob's /tmp"
	in_session bob 'setsid sleep 300 >/dev/null 2>&1 & echo $!' >"$OUT/sleep"
	end_session bob
	assert_eq "$(listed bob address)" "$(ssh_as bob -- "ip -4 -o addr show eth0 | sed 's,.*inet \([^/]*\)/.*,\1,'")"
	[[ -e /proc/$(<"$OUT/sleep") ]]
	kill "$(<"$OUT/sleep")" "$server"
	user_gone bob
	logged_out alice
}
