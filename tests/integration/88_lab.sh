# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# pam-netns lab: root of one's own network, and of nothing else; the manual's network lab.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

PROFILE='net_admin = yes'

setup() {
	host_pam_install
	policy
}

# lab 'COMMANDS': in a session of alice that must be there.
lab() {
	printf '%s\n' 'set -e' "$1" >"$OUT/lab.sh"
	in_session alice "pam-netns lab -- bash $OUT/lab.sh"
}

test_lab_is_root_of_the_own_network() {
	hold_session alice alice
	assert_eq $'0 0\nyes' "$(lab 'echo "$(id -u) $(id -g)"; ip netns add r1 && ip netns exec r1 ip link set lo up && echo yes')"
	assert_eq "$(in_session alice 'readlink /proc/self/ns/net')" "$(lab 'readlink /proc/self/ns/net')"
	assert_match '/usr/sbin' "$(lab 'echo $PATH')"
	# Names of namespaces end with the lab, links do not.
	lab 'ip link add br5 type bridge'
	assert_eq '' "$(lab 'ip netns')"
	assert_match br5 "$(in_session alice 'ip -o link show type bridge')"
	# Others' names are not seen, and the host sees none of the lab's.
	assert_eq alice "$(ip netns list | awk '{ print $1 }')"
	in_session alice 'pam-netns repair'
	end_session alice
	host_clean
}

test_t56_root_of_a_lab_has_no_power_outside_it() {
	local command
	hold_session alice alice
	hold_session bob bob
	while read -r command; do
		assert_fails lab "$command 2>/dev/null"
	done <<-END
		cat /etc/shadow
		touch /etc/lab
		ls /root
		kill -0 $(hold_pid bob)
		ls -l /proc/$(hold_pid bob)/fd
		ip link set eth0 netns 1
		ip link set eth0 netns $(hold_pid bob)
		nsenter --net=/proc/1/ns/net true
		nsenter --mount=/proc/1/ns/mnt true
		hostname x
		umount /tmp
		umount /sys
		mount -o remount,rw,exec,suid,dev /tmp
		mknod /tmp/x b 8 0
		setpriv --clear-groups true
		setpriv --reuid 1 true
		chown bob /tmp
		echo 1 >/proc/sys/net/core/bpf_jit_enable
		echo x >/proc/sys/kernel/hostname
		modprobe dummy
		dmesg -c
		su bob -c true
	END
	# Files are alice's on the host, and her groups stay.
	assert_eq 'alice lab' "$(lab 'touch /tmp/of-lab' && stat -c '%U %G' "/proc/$(hold_pid alice)/root/tmp/of-lab")"
	# No set-user-ID bit makes another root.
	lab 'cp /bin/sh /tmp/sh && chmod u+s /tmp/sh'
	assert_eq 2001 "$(stat -c %u "/proc/$(hold_pid alice)/root/tmp/sh")"
	end_session bob
	end_session alice
	host_clean
}

test_lab_refuses_with_the_reason() {
	assert_code_with 2 'COMMAND is missing' pam-netns lab
	assert_fails_with 'for ordinary users' pam-netns lab -- true
	assert_fails_with 'not in a network that you administer' as alice pam-netns lab -- true
	hold_session alice alice
	assert_code 7 in_session alice 'pam-netns lab -- sh -c "exit 7"'
	assert_code_with 127 'no-such' in_session alice 'pam-netns lab -- no-such'
	assert_code_with 126 'cannot run' in_session alice 'pam-netns lab -- /etc/passwd'
	assert_fails_with 'for ordinary users' lab 'pam-netns lab -- true'
	as alice pam-netns exec -- pam-netns lab -- ip link add br4 type bridge
	end_session alice
	host_clean
	PROFILE='' policy
	hold_session alice alice
	assert_fails_with 'net_admin = yes' in_session alice 'pam-netns lab -- true'
	end_session alice
	host_clean
	policy
}

# A program of the lab outlives the logout as any other does, and linger = no ends it.
test_linger_no_ends_programs_of_a_lab() {
	local pid
	PROFILE=$'net_admin = yes\nlinger = no' policy
	hold_session alice alice
	lab 'ip netns add r1; ip netns exec r1 setsid sleep 300 >/dev/null 2>&1 &'
	wait_until 5 pgrep -u alice -x sleep
	pid=$(pgrep -u alice -x sleep)
	end_session alice
	host_clean
	wait_until 5 process_gone "$pid"
	policy
}

# The port goes down with the last logout, although the user has moved its other end away (T58).
test_t58_moved_link_loses_its_port_at_logout() {
	local port
	hold_session alice alice
	port=$(port_of alice)
	lab 'ip netns add r1; ip link set eth0 netns r1
		ip netns exec r1 setsid sleep 300 >/dev/null 2>&1 &'
	wait_until 5 pgrep -u alice -x sleep
	assert_fails_with 'not in your network' in_session alice 'pam-netns repair'
	assert_match '[<,]UP[,>]' "$(ip link show dev "$port")"
	ssh_as alice -- true
	pam-netns gc
	pam-netns kick alice
	host_clean
	assert_fails ip link show dev "$port" 2>/dev/null
	login_works alice
	host_clean
}

# The kernel removes a lab's links some time after its end.
lab_links_are_gone() {
	[[ -z $(in_session alice 'ip -o link show type bridge; ip -o link show | grep v1 || :') ]]
}

# The manual has this file.
test_network_lab_of_the_manual_runs() {
	local output
	hold_session alice alice
	output=$(in_session alice "OUTSIDE=$OUTSIDE4 pam-netns lab -- sh /usr/share/doc/pam-netns/examples/network-lab.sh" 2>&1)
	assert_match 'lease of 192.168.50.1[0-9][0-9] obtained' "$output"
	assert_match 'Address:? *[0-9]*:? 192.168.50.11' "$output"
	assert_eq 2 "$(grep -c '1 packets received\|1 received' <<<"$output")" "answers to pings: $output"
	wait_until 15 lab_links_are_gone
	end_session alice
	host_clean
}

# Its comment about tcpdump: a user captures what a host of the lab sends.
test_user_captures_the_traffic_of_a_lab() {
	hold_session alice alice
	lab 'ip netns add h1; ip link add br0 type bridge; ip address add 192.168.50.1/24 dev br0; ip link set br0 up
		ip link add v1 type veth peer name eth0 netns h1; ip link set v1 master br0 up
		ip -n h1 address add 192.168.50.11/24 dev eth0; ip -n h1 link set eth0 up
		ip netns exec h1 ping -i 0.2 -c 100 192.168.50.1 >/dev/null 2>&1 &'
	assert_match '192.168.50.11 > 192.168.50.1: ICMP echo request' \
		"$(in_session alice '/usr/bin/tcpdump -n -i br0 -c 2 icmp 2>/dev/null')"
	pkill -u alice -x ping
	end_session alice
	host_clean
}
