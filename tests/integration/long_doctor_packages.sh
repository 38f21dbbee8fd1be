# shellcheck shell=bash
# systemd
# doctor on a host with other programs' real packages: what it finds, the remedy as it is printed, and a login
# after it. `make others` downloads the packages and runs this file.

# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"
# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

export DEBIAN_FRONTEND=noninteractive
OTHERS=/srv/build/others

setup() {
	rm -f /usr/sbin/policy-rc.d # of a machine that starts no services
	logind_stops_managers_at_once
	host_pam_install
	pam-netns up
	assert_eq '' "$(faults)"
}

# users_end: ends all sessions, and puts the shipped conf file into force.
users_end() {
	pam-netns kick alice
	pam-netns kick bob
	conf_back
	host_clean
}

# faults: the findings that are warnings or problems.
faults() {
	findings | grep -E '^(warn|FAIL)' || :
}

# other_install NAME: its package, and those that it needs and the machine lacks.
other_install() {
	compgen -G "$OTHERS/$1/*.deb" >/dev/null || skip "$OTHERS/$1 has no package: run make others"
	dpkg --force-unsafe-io --force-confold --install "$OTHERS/$1"/*.deb >"$OUT/dpkg" 2>&1 || fail "$(<"$OUT/dpkg")"
}

# other_remove NAME: without what it needed.
other_remove() {
	dpkg --purge --force-depends "$1" >"$OUT/dpkg" 2>&1 || fail "$(<"$OUT/dpkg")"
}

# tables_remove: rules of other programs stay when their packages go.
tables_remove() {
	local table
	nft list tables | { grep -v pam_netns || :; } | while read -r table; do
		# shellcheck disable=SC2086 # words
		nft delete ${table}
	done
}

# mended COUNT REGEX: doctor has as many such faults, and no others. Each remedy is run, as it is printed.
mended() {
	local said finding
	said=$(faults)
	assert_eq "$1" "$(wc -l <<<"$said")" "$said"
	while read -r finding; do
		assert_match "$2" "$finding"
		bash -euc "${finding#* -> }" </dev/null >"$OUT/remedy" 2>&1 || fail "$finding: $(<"$OUT/remedy")"
	done <<<"$said"
	assert_no_match "$2" "$(faults)"
}

# A network namespace at Docker's bridge, as a container has it.
container_make() {
	ip netns add container
	ip link add cont0 type veth peer name eth0 netns container
	ip link set cont0 master docker0 up
	ip -n container address add 172.17.0.9/16 dev eth0
	ip -n container link set eth0 up
	ip -n container route add default via 172.17.0.1
}

container_reaches() {
	ip netns exec container curl -sS -m "$1" "http://$OUTSIDE4/"
}

# Docker was installed after us, when forwarding was on. After its restart it drops what others forward.
test_docker_is_mended() {
	users_end
	other_install docker.io
	wait_until 60 docker version
	container_make
	assert_fails container_reaches 1
	mended 1 '^warn forwarding: Docker.s containers cannot reach the outside'
	wait_until 60 docker version
	assert_match "^you are $HOST4" "$(container_reaches 5)"
	mended 1 '^warn firewall: ip filter, chain FORWARD \(Docker\), drops traffic of pnbr0'
	login_works
	systemctl restart docker
	wait_until 60 docker version
	assert_eq '' "$(faults)"
	login_works
	assert_match "^you are $HOST4" "$(ssh_as bob -- curl -sS -m 5 "http://$OUTSIDE4/")"
	assert_match "^you are $HOST4" "$(container_reaches 5)"
	# Users reach no port of a container that is not published, as other hosts do not.
	ip netns exec container nc -lk 172.17.0.9 5432 </dev/null >"$OUT/container" 2>&1 &
	wait_until 20 nc -z -w 1 172.17.0.9 5432
	assert_fails su alice -c 'nc -z -w 1 172.17.0.9 5432'
	iptables -I DOCKER -d 172.17.0.9 ! -i docker0 -o docker0 -p tcp --dport 5432 -j ACCEPT # as Docker publishes it
	su alice -c 'nc -z -w 3 172.17.0.9 5432'
	kill "$!"
	ip netns delete container
	users_end
	other_remove docker.io
	tables_remove
}

test_ufw_is_mended() {
	other_install ufw
	assert_eq '' "$(faults)"
	ufw --force enable
	mended 2 '^warn firewall: ip filter, chain (FORWARD|INPUT) \(ufw\), drops traffic of pnbr0'
	login_works
	ufw reload
	assert_eq '' "$(faults)"
	login_works
	ufw disable
	other_remove ufw
	tables_remove
}

# Each network has its own zone.
test_firewalld_is_mended() {
	conf_lab bob ''
	pam-netns up
	other_install firewalld
	firewall-cmd --state
	# Each remedy makes what it needs, and finds what another one has made. A zone that accepts forwards, too.
	mend 'chain filter_INPUT .*pnlab'
	mended 2 '^warn firewall: inet firewalld, chain filter_(FORWARD|INPUT) \(firewalld\), drops traffic of pn(br0|lab)'
	login_works alice
	login_works bob
	systemctl restart firewalld
	assert_eq '' "$(faults)"
	login_works alice
	users_end
	other_remove firewalld
	tables_remove
}

# The stub listens on loopback only. Users get the name servers behind it.
test_resolved_has_no_finding_and_names_resolve() {
	other_install systemd-resolved
	mkdir -p /etc/systemd/resolved.conf.d
	printf '[Resolve]\nDNS=%s\nDNSSEC=no\n' "$OUTSIDE4" >/etc/systemd/resolved.conf.d/outside.conf
	systemctl restart systemd-resolved
	pam-netns up # resolved receives on port 5355
	assert_eq 'nameserver 127.0.0.53' "$(grep ^nameserver /etc/resolv.conf)"
	assert_eq '' "$(faults)"
	assert_match "^you are $HOST4" "$(su alice -c 'curl -sS -m 5 -4 http://www.example.test/')"
	users_end
}

# Without a name server behind the stub, users cannot resolve names. The host's stub can serve them.
test_resolved_without_upstream_is_mended() {
	[[ -e /run/systemd/resolve/resolv.conf ]] || skip 'no systemd-resolved'
	printf '[Resolve]\nDNS=127.0.0.1\n' >/etc/systemd/resolved.conf.d/outside.conf
	systemctl restart systemd-resolved
	mended 1 '^warn resolver: .*: users of network default cannot resolve names'
	printf '[Resolve]\nDNS=%s\nDNSSEC=no\n' "$OUTSIDE4" >/etc/systemd/resolved.conf.d/outside.conf
	systemctl restart systemd-resolved
	assert_match "^you are $HOST4" "$(su alice -c 'curl -sS -m 5 -4 http://www.example.test/')"
	users_end
	other_remove systemd-resolved
}

# mail_pipe: alice's .forward names a program, which writes its network into $OUT/pipe; mail comes for her.
mail_pipe() {
	rm -f "$OUT/pipe"
	printf '#!/bin/sh\nreadlink /proc/self/ns/net >%s/pipe\n' "$OUT" >/home/alice/filter
	chmod 755 /home/alice/filter
	echo '|/home/alice/filter' >/home/alice/.forward
	chown alice: /home/alice/.forward /home/alice/filter
	/usr/sbin/sendmail alice <<<$'Subject: test\n\ntest'
}

# mail_mended REGEX REFUSED: the mail server ran the program on the host's network, and refuses it after the
# remedy, as its log says.
mail_mended() {
	local network
	network=$(readlink /proc/self/ns/net)
	mail_pipe
	wait_until 30 test -s "$OUT/pipe"
	assert_eq "$network" "$(<"$OUT/pipe")" "network of the program"
	mended 1 "$1"
	mail_pipe
	wait_until 30 grep -rqE "$2" /var/log/auth-test.log /var/log/exim4 2>/dev/null
	assert_fails test -e "$OUT/pipe"
	rm /home/alice/.forward /home/alice/filter
}

test_postfix_is_mended() {
	other_install postfix
	mail_mended '^warn mail: /etc/postfix/main.cf: postfix runs programs that users name in ~/.forward' \
		'to=<alice@.*status=(bounced|deferred).*command'
	other_remove postfix
}

test_exim_is_mended() {
	other_install exim4-daemon-light
	mail_mended '^warn mail: .*exim.s router userforward runs programs that users name in ~/.forward' \
		'<alice@.* R=userforward .*delivery to pipe forbidden'
	other_remove exim4-daemon-light
}

# Unless it is told to leave our links alone, NetworkManager strips them when networking is switched off.
# The test is the last one, since the host's uplink is stripped too.
test_network_manager_is_mended() {
	other_install network-manager
	wait_until 20 nmcli general status
	hold_session one alice
	wait_until 20 eval 'nmcli -g DEVICE device | grep -q ^pnu'
	mended 1 '^warn managed: NetworkManager manages pn'
	reaches_outside alice
	nmcli networking off
	nmcli networking on
	systemctl restart NetworkManager
	wait_until 20 nmcli general status
	assert_no_match ' (managed|records|live):' "$(faults)"
	in_netns alice ping -q -c 1 -W 2 10.203.0.1
	users_end
	other_remove network-manager
}
