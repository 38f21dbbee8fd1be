# shellcheck shell=bash
# More users than ports_per_bridge: further bridges of the same network.
# shellcheck source=tests/integration/uplink_lib.sh
. "$CHECKOUT/tests/integration/uplink_lib.sh"

setup() {
	uplink_setup
}

test_users_beyond_ports_per_bridge_get_further_bridges() {
	local i j gateway port changes=''
	users_add pupil 2101 5
	conf_set ports_per_bridge 2
	pam-netns up
	gateway=$(ip -4 -o address show dev pnbr0 | awk '{ print $4 }')
	for i in 1 2 3 4 5; do
		"$TOOLS/host-session" su "pupil$i" sleep 600 &
		wait_until 5 test -e "/run/pam-netns/pins/$((2100 + i))"
		port_is_safe "pupil$i" "$(sed -n "$(((i + 1) / 2))p" <<<$'pnbr0\npnbr0.1\npnbr0.2')"
		# An active user's port does not change while a further bridge is made.
		port=$(port_of pupil1)
		: "${changes:=$(<"/sys/class/net/$port/carrier_changes")}"
		assert_eq "$changes" "$(<"/sys/class/net/$port/carrier_changes")"
	done
	for i in pnbr0 pnbr0.1 pnbr0.2; do
		assert_eq "$gateway" "$(ip -4 -o address show dev $i | awk '{ print $4 }')"
	done
	assert_fails ip link show pnbr0.3
	for i in 1 2 3 4 5; do
		reaches_outside "pupil$i"
		in_netns "pupil$i" ping -q -c 1 -W 2 "${gateway%/*}"
		assert_eq 0 "$(spoofed "pupil$i")"
		for j in 1 3 5; do
			[[ $i == "$j" ]] || reaches_no_user "pupil$i" "pupil$j"
		done
	done
	# One login makes two deleted bridges again and connects all users.
	ip link delete pnbr0.1
	ip link delete pnbr0
	su alice -c true
	for i in 1 2 3 4 5; do
		reaches_outside "pupil$i"
	done
	reaches_no_user pupil1 pupil3
	conf_set peers yes
	pam-netns up
	reaches_user pupil1 pupil3
	reaches_user pupil1 pupil2
	reaches_user pupil5 pupil1
	conf_set peers no
	pam-netns up
	reaches_no_user pupil1 pupil3
	for i in 1 2 3 4 5; do
		pam-netns kick "pupil$i"
	done
	host_clean 8
	conf_reset
	pam-netns down
	assert_eq '' "$(ip -o link show | lines pnbr)"
	pam-netns up
}
