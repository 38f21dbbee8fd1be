# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Names resolve by the host's real name servers, whatever the host's resolv.conf is or changes to.

# With these options a wrong name server fails within a second. The right one has no options, so that it may
# be slow; nor has a stub, since its options also count for the servers that it asks.
OPTIONS='options timeout:1 attempts:1'
GOOD="nameserver $OUTSIDE4"
BAD="nameserver 192.0.2.53
$OPTIONS"
STUB="nameserver 127.0.0.53"

setup() {
	host_pam_install
	: >"$OUT/ready"
	pam-netns up
}

# resolver_write TEXT: writes in place. resolver_replace TEXT: replaces the file by a rename, as most resolvers do.
resolver_write() {
	echo "$1" >/etc/resolv.conf
}
resolver_replace() {
	echo "$1" >/etc/resolv.conf.new
	mv -f /etc/resolv.conf.new /etc/resolv.conf
}
resolver_link() {
	ln -s "$1" /etc/resolv.conf.new
	mv -fT /etc/resolv.conf.new /etc/resolv.conf
}

# resolved_make TEXT: files of a systemd-resolved: its stub, and the servers that it asks.
resolved_make() {
	mkdir -p /run/systemd/resolve
	echo "$STUB" >/run/systemd/resolve/stub-resolv.conf
	echo "$1" >/run/systemd/resolve/resolv.conf
}

# resolves SESSION, resolves_not SESSION: a name resolves in a held session.
resolves() {
	assert_match "^($OUTSIDE6|$OUTSIDE4) +www.example.test" "$(in_session "$1" 'getent hosts www.example.test')" 'name'
}
resolves_not() {
	assert_fails in_session "$1" 'getent hosts www.example.test'
}

# login_resolves: a name resolves in a first login of bob.
login_resolves() {
	assert_match "^($OUTSIDE6|$OUTSIDE4) +www.example.test" "$(su bob -c 'getent hosts www.example.test')" 'name'
}

test_regular_file_is_copied() {
	resolver_replace "search example.test
$GOOD"
	pam-netns up
	login_resolves
	assert_eq '' "$(grep -h '^nameserver 127' /run/pam-netns/networks/default/resolv.conf || :)"
	assert_match "^$OUTSIDE6|^$OUTSIDE4" "$(su bob -c 'getent hosts www')"
	assert_match 'search example.test' "$(su bob -c 'cat /etc/resolv.conf')"
	assert_fails su bob -c 'echo nameserver 192.0.2.1 >/etc/resolv.conf'
	host_clean 3
}

test_server_with_ipv6_address_resolves() {
	resolver_replace "nameserver $OUTSIDE6"
	pam-netns up
	login_resolves
}

test_link_to_a_stub_gives_its_servers() {
	resolved_make "$GOOD"
	resolver_link ../run/systemd/resolve/stub-resolv.conf
	pam-netns up
	login_resolves
	assert_no_match 127 "$(su bob -c 'grep ^nameserver /etc/resolv.conf')"
}

test_regular_file_with_a_stub_gives_its_servers() {
	resolved_make "$GOOD"
	resolver_replace "$STUB"
	pam-netns up
	login_resolves
}

test_dangling_link_refuses_no_login() {
	resolved_make "$GOOD"
	resolver_link /run/nowhere/resolv.conf
	pam-netns up
	login_resolves
	rm -r /run/systemd
	assert_match 'no name server' "$(pam-netns up 2>&1)"
	assert_eq bob "$(su bob -c 'id -un')"
	host_clean 3
}

test_missing_file_refuses_no_login() {
	resolved_make "$GOOD"
	rm /etc/resolv.conf
	pam-netns up || :
	assert_eq bob "$(su bob -c 'id -un')"
	host_clean 3
}

test_stub_without_known_servers_is_reported() {
	local said
	resolver_replace "$STUB"
	said=$(pam-netns up 2>&1)
	assert_match 'no name server .*"dns = ADDRESS".*\[network default\].*DNSStubListenerExtra=10.203.0.1' "$said"
	said=$(pam-netns check 2>&1 || :)
	assert_match 'DNSStubListenerExtra=10.203.0.1|DNSStubListenerExtra=GATEWAY' "$said"
	assert_match 'network default cannot resolve names' "$said"
	# A stub at the gateway serves only users who may reach it.
	resolved_make "$STUB"
	assert_match "a dns = 10.203.0.1' $CONF && pam-netns up" "$(pam-netns check 2>&1 || :)"
	conf_set host_access icmp
	assert_match 'write this address there, and dns in host_access' "$(pam-netns check 2>&1 || :)"
	conf_reset
	rm -r /run/systemd
	assert_eq bob "$(su bob -c 'id -un')"
	resolver_replace "$GOOD"
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	login_resolves
}

# `up` prints it each time. Logins and gc log it once for each change of the host's file.
test_stub_without_known_servers_is_logged_once_a_change() {
	local i
	resolver_replace "$STUB"
	pam-netns up
	assert_match 'no name server' "$(pam-netns up 2>&1)"
	log_mark
	for ((i = 0; i < 3; i++)); do
		pam_session su bob true
		assert_no_match 'no name server' "$(pam-netns gc 2>&1)"
	done
	assert_no_log 'no name server'
	resolver_replace "search example.test
$STUB"
	for ((i = 0; i < 3; i++)); do
		pam_session su bob true
		assert_no_match 'no name server' "$(pam-netns gc 2>&1)"
	done
	assert_eq 1 "$(log_lines | grep -c 'no name server')"
	resolver_replace "$GOOD"
	pam-netns gc
	host_clean 5
}

# --- while users are active ---

test_replaced_file_reaches_active_users() {
	hold_session a alice
	resolves a
	# Another server, then a stub: the session must not get the stub itself.
	resolver_replace "$BAD"
	pam-netns gc
	resolves_not a
	resolver_replace "$GOOD"
	pam-netns gc
	resolves a
	resolved_make "$GOOD"
	resolver_replace "$STUB"
	pam-netns gc
	resolves a
	assert_no_match 127 "$(in_session a 'grep ^nameserver /etc/resolv.conf')"
	login_resolves
	end_session a
	host_clean 3
}

# A first login does not wait for gc. Active users get the new file by gc.
test_login_after_a_replacement_resolves() {
	resolved_make "$GOOD"
	hold_session a alice
	resolver_replace "$STUB"
	hold_session b bob
	resolves b
	pam-netns gc
	hold_session a2 alice
	resolves a2
	resolves a
	end_session a
	end_session a2
	end_session b
	host_clean 3
}

test_file_rewritten_in_place_reaches_active_users() {
	hold_session a alice
	resolves a
	resolver_write "$BAD"
	pam-netns gc
	resolves_not a
	resolver_write "$GOOD"
	pam-netns gc
	resolves a
	end_session a
	host_clean 3
}

test_changed_link_reaches_active_users() {
	resolved_make "$GOOD"
	echo "$BAD" >/run/bad-resolv.conf
	echo "$GOOD" >/run/good-resolv.conf
	resolver_link /run/systemd/resolve/stub-resolv.conf
	pam-netns up
	hold_session a alice
	resolves a
	resolver_link /run/bad-resolv.conf
	pam-netns gc
	resolves_not a
	resolver_link /run/good-resolv.conf
	pam-netns gc
	resolves a
	# The link's target is replaced. The mount is on the link.
	echo "$STUB" >/run/new
	mv /run/new /run/good-resolv.conf
	resolves a
	pam-netns gc
	resolves a
	resolver_replace "$GOOD"
	pam-netns gc
	resolves a
	end_session a
	host_clean 3
}

# Between the look at the file and the mount over it, the host replaces a link by a file, and back.
test_file_replaced_at_any_moment_is_no_error() {
	local i flipper
	resolved_make "$GOOD"
	resolver_replace "$GOOD"
	pam-netns up
	cc -x c -o "$OUT/replace" - <<-'END'
		#include <fcntl.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(void)
		{
			static const char text[] = "nameserver 198.51.100.1\n", made[] = "/etc/resolv.conf.new";
			for (;;) {
				int fd = open(made, O_WRONLY | O_CREAT | O_EXCL, 0644);
				if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0 || close(fd) ||
				    rename(made, "/etc/resolv.conf") ||
				    symlink("/run/systemd/resolve/stub-resolv.conf", made) ||
				    rename(made, "/etc/resolv.conf"))
					return 1;
			}
		}
	END
	hold_session a alice
	"$OUT/replace" &
	flipper=$!
	for ((i = 0; i < 60; i++)); do
		pam-netns gc
		pam_session su bob true
	done
	kill -0 "$flipper"
	kill "$flipper"
	wait "$flipper" || :
	rm -f /etc/resolv.conf.new
	resolver_replace "$GOOD"
	pam-netns gc
	resolves a
	assert_no_log 'pam_netns.*(cannot|refused)'
	end_session a
	host_clean 5
}

# systemd-resolved gets another server, and replaces its file by a rename.
test_changed_servers_of_a_stub_reach_active_users() {
	resolved_make "$BAD"
	echo 'options timeout:2 attempts:1' >>/run/systemd/resolve/stub-resolv.conf
	resolver_link ../run/systemd/resolve/stub-resolv.conf
	pam-netns up
	hold_session a alice
	resolves_not a
	echo "$GOOD" >/run/systemd/resolve/new
	mv /run/systemd/resolve/new /run/systemd/resolve/resolv.conf
	pam-netns gc
	resolves a
	end_session a
	host_clean 3
}

# --- the key dns ---

test_dns_addresses_replace_the_hosts_servers() {
	resolver_replace "$BAD"
	conf_set dns "192.0.2.1"
	pam-netns up
	hold_session a alice
	assert_eq 'nameserver 192.0.2.1' "$(in_session a 'grep ^nameserver /etc/resolv.conf')"
	conf_set dns "$OUTSIDE4 $OUTSIDE6"
	pam-netns up
	resolves a
	assert_eq "nameserver $OUTSIDE4
nameserver $OUTSIDE6" "$(in_session a 'grep ^nameserver /etc/resolv.conf')"
	end_session a
	host_clean 3
}

test_dns_none_leaves_the_hosts_file() {
	conf_set dns none
	pam-netns up
	resolver_replace "# the host's own
$GOOD"
	hold_session a alice
	assert_eq "$(</etc/resolv.conf)" "$(in_session a 'cat /etc/resolv.conf')"
	resolves a
	resolver_replace "$STUB"
	pam-netns gc
	assert_eq "$(</etc/resolv.conf)" "$(in_session a 'cat /etc/resolv.conf')"
	end_session a
	host_clean 3
}

# --- /etc/hosts ---

test_hosts_file_has_the_users_host_name() {
	conf_set hostname %u-%h
	hold_session a alice
	assert_eq alice-testhost "$(in_session a hostname)"
	assert_match '^(127\.0\.1\.1|::1) +alice-testhost' "$(in_session a 'getent hosts alice-testhost')"
	assert_match '127.0.1.1' "$(in_session a 'getent ahostsv4 alice-testhost')"
	assert_fails in_session a 'getent hosts printer'
	echo '192.0.2.7 printer' >>/etc/hosts
	pam-netns gc
	assert_match '^192\.0\.2\.7 ' "$(in_session a 'getent hosts printer')"
	sed -i 's/^192.0.2.7 printer/192.0.2.8 printer/' /etc/hosts
	pam-netns gc
	assert_match '^192\.0\.2\.8 ' "$(in_session a 'getent hosts printer')"
	assert_match '127.0.1.1' "$(in_session a 'getent ahostsv4 alice-testhost')"
	assert_match '192.0.2.8' "$(su bob -c 'getent hosts printer')"
	sed -i '/printer/d' /etc/hosts
	end_session a
	host_clean 3
}

test_hosts_file_follows_the_hosts() {
	hold_session a alice
	assert_match testhost "$(in_session a 'getent hosts $(hostname)')"
	sed -i '$a192.0.2.9 scanner' /etc/hosts
	assert_match '^192\.0\.2\.9 ' "$(in_session a 'getent hosts scanner')"
	sed -i '/scanner/d' /etc/hosts
	end_session a
	host_clean 3
}

# sudo_is_quiet SESSION: sudo resolves the host's name, so it prints no warning.
sudo_is_quiet() {
	assert_eq 0 "$(in_session "$1" 'sudo -n id -u 2>&1')" "$1's sudo"
}

# An administrator renames the host and edits /etc/hosts: active users keep their host name.
test_renamed_host_keeps_names_of_active_users() {
	local old=testhost new=renamed
	echo 'alice,bob ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/renamed
	hold_session a alice
	conf_set hostname %u-%h
	hold_session b bob
	sudo_is_quiet a
	sudo_is_quiet b
	cp /etc/hosts "$OUT/hosts"
	hostname $new
	sed -i "s/$old/$new/g" /etc/hosts
	pam-netns gc
	assert_eq "$old bob-$old" "$(in_session a hostname) $(in_session b hostname)"
	sudo_is_quiet a
	sudo_is_quiet b
	assert_match '127.0.1.1' "$(in_session a "getent ahostsv4 $old")"
	assert_match "$new" "$(in_session a "getent hosts $new")" 'the new name, too'
	# Later changes of the host's file still arrive.
	echo '192.0.2.7 printer' >>/etc/hosts
	pam-netns gc
	assert_match '^192\.0\.2\.7 ' "$(in_session a 'getent hosts printer')"
	assert_match '^192\.0\.2\.7 ' "$(in_session b 'getent hosts printer')"
	sudo_is_quiet a
	# A first login has the new name.
	conf_set hostname %h
	assert_eq "$new" "$(su carol -c hostname)"
	hostname $old
	cp "$OUT/hosts" /etc/hosts
	pam-netns gc
	sudo_is_quiet a
	sudo_is_quiet b
	rm /etc/sudoers.d/renamed
	end_session a
	end_session b
	host_clean
}

# Before each test, even if the one before it failed.
if [[ -e $OUT/ready ]]; then
	conf_reset
	rm -rf /run/systemd
	resolver_replace "$GOOD"
	pam-netns up
	pam-netns kick alice
	pam-netns kick bob
fi
