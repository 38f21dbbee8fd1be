# shellcheck shell=bash
# shellcheck disable=SC2016 # sed scripts
# pam-netns explain: its text, against the conf file and against real logins.

setup() {
	host_pam_install
}

test_explain_text_names_each_rule_of_a_user() {
	local text
	text=$(pam-netns explain alice)
	assert_match '^alice \(uid 2001, group lab\)' "$text"
	assert_match 'profile +default' "$text"
	assert_match 'matched by +\*' "$text"
	assert_match 'isolated +yes: own network, host name, mount namespace' "$text"
	assert_match 'peers +no' "$text"
	assert_match $'egress +any\n' "$text"
	assert_match "nat +yes: the host's address, and only for TCP, UDP, SCTP and ICMP" "$text"
	assert_match 'max_connections +4096' "$text"
	assert_match 'new_connections +50/second burst 2000' "$text"
	assert_match 'private +/tmp /dev/shm \(in memory, together at most [0-9.]+[KMG]i?B? and [0-9]+ files if made now\)' "$text"
	assert_match ' +/var/tmp \(on disk, kept between logins\)' "$text"
	assert_match 'services_exempt +gdm-password' "$text"
	assert_match 'isolated +no: profile staff' "$(pam-netns explain root)"
	assert_match 'matched by +membership in group sudo' "$(pam-netns explain dave)"
	assert_match '^bob \(uid 2002' "$(as bob pam-netns explain)"
	hold_session in alice
	assert_match "address +$(listed alice address) \(leased" "$(pam-netns explain alice)"
	end_session in
	host_clean
}

# Another value of each key, or a sed script if the value alone is not enough. The text for alice or
# root must differ then. A new key that is missing here, or in the shipped file, fails the test.
declare -A OTHER=(
	[on_error]=host [log]=logins [deadline]=5s [services_exempt]=none
	[bridge]=lab0 [subnet]=10.9.0.0/24 [subnet6]=none [nat]=198.51.100.2 [peers]=group [host_access]=tcp/22
	[egress]='deny tcp/25, allow any' [dns]=192.0.2.53 [mtu]=1400 [max_connections]=77 [new_connections]=5/second\ burst\ 50
	[ports_per_bridge]=7 [locked]=required
	[match]='s/^match = \*/match = alice/'
	[isolate]='s/^match = root.*/match = alice/'
	[network]='s/^network = .*/network = other/;$a[network other]\nbridge = lab0\nsubnet = 10.9.0.0/24'
	[namespaces]='s/^namespaces = .*/namespaces = net mnt/;/^hostname = /d'
	[hostname]=%u-%h [private]='/tmp /var/spool/box' [private_size]=7M [private_exec]=no [processes]=own [hide]=/srv [read_only]=/opt [bind]=/opt:/mnt [root]=/srv/image [linger]=no [limits]=memory=1G [low_ports]=yes
	[net_admin]=yes [nested]=host
)

test_explain_has_a_line_for_each_key() {
	local key label text
	text=$(pam-netns explain alice)
	for key in $(pam-netns --keys | cut -f 2); do
		case $key in
		match) label='matched by' ;;
		isolate) label=isolated ;;
		nested) continue ;; # of a profile without isolation
		*) label=$key ;;
		esac
		assert_eq 1 "$(grep -cE "^  $label +[^ ]" <<<"$text")" "lines of $key"
	done
	text=$(pam-netns explain root)
	assert_eq 'profile matched isolated nested' "$(awk 'NR > 1 { print $1 }' <<<"$text" | xargs)"
}

test_explain_differs_for_each_changed_key() {
	local key keys before after
	keys=$(pam-netns --keys | cut -f 2)
	assert_eq 3 "$(grep -cxE 'on_error|mtu|nested' <<<"$keys")" "known keys: $keys"
	before=$(pam-netns explain alice; pam-netns explain root)
	for key in $keys; do
		[[ -n ${OTHER[$key]-} ]] || fail "no other value of $key is known here"
		if [[ ${OTHER[$key]} == s/* ]]; then
			sed -i "${OTHER[$key]}" "$CONF"
		else
			conf_set "$key" "${OTHER[$key]}"
		fi
		after=$(pam-netns explain alice && pam-netns explain root) || fail "$key: $after"
		assert_ne "$before" "$after" "explain with another $key"
		conf_reset
	done
}

test_explain_agrees_with_conf_and_active_user() {
	local text
	# Before the set-up no subnet is chosen.
	host_clean
	pam-netns down
	assert_match 'address6 +decided when' "$(pam-netns explain alice)"
	pam-netns up
	assert_match 'address6 +fd' "$(pam-netns explain alice)"
	# Directories below /var are persistent.
	conf_set private '/tmp /var/spool/box'
	text=$(pam-netns explain alice)
	assert_match ' /tmp \(in memory' "$text"
	assert_match ' /var/spool/box \(on disk' "$text"
	conf_set private '/var/tmp /var/spool/box'
	text=$(pam-netns explain alice)
	assert_no_match 'in memory' "$text"
	assert_match ' /var/tmp /var/spool/box \(on disk' "$text"
	conf_reset
	# A user who is not isolated has no rules of isolation.
	text=$(pam-netns explain root)
	assert_no_match 'services_exempt|deadline|on_error' "$text"
	assert_match 'nested +stay' "$text"
	# Without a mount namespace a user has no resolv.conf of their own.
	sed -i 's/^namespaces = .*/namespaces = net uts/;/^private\|^processes\|^hide\|^read_only\|^bind\|^root/d' "$CONF"
	text=$(pam-netns explain alice)
	assert_match 'dns +no effect: namespaces has no mnt' "$text"
	assert_match 'private +no effect: namespaces has no mnt' "$text"
	conf_reset
	# A line a rule; what happens to the rest is shown if no rule covers it.
	conf_set egress 'deny tcp/25, allow 192.0.2.0/24'
	text=$(pam-netns explain alice)
	assert_match $'egress +deny tcp/25 any\n +allow 192.0.2.0/24\n +deny any other destination\n' "$text"
	conf_set egress 'deny tcp/25, allow any'
	text=$(pam-netns explain alice)
	assert_match $'egress +deny tcp/25 any\n +allow any\n' "$text"
	assert_no_match 'any other destination' "$text"
	conf_set egress none
	assert_match 'egress +none: users reach no destination' "$(pam-netns explain alice)"
	conf_reset
	# The size is that of the next first login.
	text=$(pam-netns explain alice | sed -n 's/.* and \([0-9]*\) files if made now)$/\1/p')
	assert_eq "$text" "$(su alice -c 'df --output=itotal /tmp | tail -n 1 | tr -d " "')"
	# An active user keeps what they have.
	hold_session in alice
	assert_no_match $'\n  active ' "$(pam-netns explain alice)"
	assert_match "and $text files" "$(pam-netns explain alice)"
	sed -i 's/^\[profile default\]/[profile others]/' "$CONF"
	assert_match 'active +in network default by profile default' "$(pam-netns explain alice)"
	conf_reset
	end_session in
	host_clean
}

# notes USER: what explain tells beside the meaning of keys.
notes() {
	pam-netns explain "$1" | grep -E '^ {21}(users notice|does not work): '
}

test_explain_tells_what_users_notice_of_a_key_that_is_on() {
	local key
	assert_eq '' "$(notes alice || :)"
	for key in processes hide read_only bind root limits net_admin; do
		conf_set "$key" "${OTHER[$key]}"
		assert_match 'users notice: ' "$(pam-netns explain alice | grep -A 1 "^  $key ")" "$key"
		assert_eq 1 "$(notes alice | grep -c 'users notice')"
		conf_reset
	done
	conf_set namespaces 'net mnt uts ipc time pid'
	conf_set private '/tmp /run/sudo'
	assert_match 'users notice: ipc: ' "$(notes alice)"
	assert_match 'users notice: time: uptime .* begin at the first login' "$(notes alice)"
	assert_match 'users notice: pid: ' "$(notes alice)"
	assert_match 'does not work: .*--scope.* polkit .*who and w' "$(notes alice)"
	conf_reset
	# A login on the host has none of them.
	conf_set processes own
	assert_eq '' "$(notes root || :)"
	conf_reset
}

# seen USER: how many sessions who and w show the user in a session with a terminal.
seen() {
	hold_session "$1" "$1" -tt
	in_session "$1" 'who | wc -l; w -h | wc -l' | xargs
	end_session "$1"
	user_clean "$1"
}

# bob has a session with a terminal meanwhile.
test_what_explain_tells_of_who_and_w_is_so() {
	hold_session bob bob -tt
	assert_match '^[2-9] [2-9]$' "$(seen alice)"
	conf_set processes own
	assert_match '^[2-9] 0$' "$(seen alice)"
	conf_reset
	conf_set namespaces 'net mnt uts pid'
	assert_eq '0 0' "$(seen alice)"
	conf_reset
	end_session bob
	host_clean
}

# Root in the user's session is refused too. ip netns needs pam-netns lab.
test_what_explain_tells_of_writing_and_ip_netns_is_so() {
	local path
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/explain
	mkdir -p /srv/hidden /srv/read-only
	conf_set hide /srv/hidden
	conf_set read_only /srv/read-only
	conf_set net_admin yes
	hold_session alice alice
	for path in /srv/hidden /srv/read-only; do
		assert_match 'Read-only file system' "$(in_session alice "sudo -n touch $path/x" 2>&1 || :)"
	done
	assert_fails in_session alice 'ip netns add h1' 2>/dev/null
	in_session alice 'pam-netns lab -- ip netns add h1'
	end_session alice
	rm /etc/sudoers.d/explain
	conf_reset
	host_clean
}

test_explain_promises_the_address_that_a_login_gets() {
	local promised
	pam-netns up
	promised=$(pam-netns explain longuid | awk '$1 == "address" { print $2 }')
	hold_session in longuid
	assert_eq "$promised" "$(listed longuid address)"
	end_session in
	host_clean
}

# Before each test, even if the one before it failed.
conf_reset

# A profile names users as they log in: two names of one uid can have two profiles.
test_explain_a_second_name_of_a_uid() {
	sed -n 's/^alice:/alicia:/p' /etc/passwd >>/etc/passwd.new
	cat /etc/passwd.new >>/etc/passwd
	sed -i '0,/^\[profile/s/^\[profile.*/[profile second]\nmatch = alicia\nisolate = no\n\n&/' "$CONF"
	assert_match 'profile +default' "$(pam-netns explain alice)"
	assert_match 'isolated +no: profile second' "$(pam-netns explain alicia)"
	assert_eq "$(readlink /proc/self/ns/net)" "$(pam_session -u only alicia readlink /proc/self/ns/net)"
	sed -i '/^alicia:/d' /etc/passwd
	conf_reset
	host_clean
}
