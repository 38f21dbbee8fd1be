# A network lab: two hosts, a switch, and a router with DHCP, DNS and
# NAT, in the network of a user whose profile has net_admin = yes.
#   pam-netns lab -- sh network-lab.sh
# Or begin with `pam-netns lab -- bash` and type the lines.
set -e
dir=$(mktemp -d)

# Two hosts, each a network namespace, and a switch between them.
# The router is your own network, with the uplink eth0.
ip netns add h1
ip netns add h2
ip link add br0 type bridge
ip address add 192.168.50.1/24 dev br0
ip link set br0 up
for h in 1 2; do
	ip link add v$h type veth peer name eth0 netns h$h
	ip link set v$h master br0 up
	ip -n h$h link set lo up
	ip -n h$h link set eth0 up
done

# h1 has an address of its own, h2 gets one by DHCP. dnsmasq must not
# change its user, because a lab has only one.
ip -n h1 address add 192.168.50.11/24 dev eth0
ip -n h1 route add default via 192.168.50.1
dnsmasq --no-daemon --conf-file=/dev/null --interface=br0 \
	--bind-interfaces --dhcp-range=192.168.50.100,192.168.50.199 \
	--dhcp-leasefile="$dir/leases" --no-hosts --no-resolv \
	--address=/h1.lab/192.168.50.11 2>"$dir/dnsmasq.log" &
dnsmasq=$!
cat >"$dir/lease" <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/24" dev "$interface"
ip route add default via "$router"
END
chmod +x "$dir/lease"
ip netns exec h2 busybox udhcpc -i eth0 -n -q -s "$dir/lease"
ip netns exec h2 busybox nslookup -type=a h1.lab 192.168.50.1
ip netns exec h2 ping -c 1 192.168.50.11

# The router translates the hosts' addresses to its own.
echo 1 >/proc/sys/net/ipv4/ip_forward
nft add table ip lab
nft add chain ip lab out \
	'{ type nat hook postrouting priority srcnat; }'
nft add rule ip lab out oifname eth0 masquerade
ip netns exec h2 ping -c 1 "${OUTSIDE:-192.0.2.10}"

# A capture on the switch. Not in the lab, but in your session: as
# root, tcpdump changes its user. Start it before the ping.
#   tcpdump -n -i br0 -c 2 icmp

# A slow and lossy line to h1, if the kernel has netem.
tc qdisc add dev v1 root netem delay 50ms loss 1% ||
	echo 'this kernel has no netem'

# The end: hosts and their links go with the lab, the rest does not.
kill $dnsmasq
nft delete table ip lab
ip link del br0
rm -r "$dir"
