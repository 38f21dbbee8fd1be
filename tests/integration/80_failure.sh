# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Whatever fails, the login is refused with one plain line, the log names the cause, and nothing is
# left behind; with on_error = host it is let in, loudly.

HELPER=/usr/libexec/pam-netns/pam-netns-helper

setup() {
	host_pam_install
	cp -p "$CONF" "$OUT/conf"
	cp -p "$HELPER" "$OUT/helper"
	# A service with our module alone: what it answers is ours.
	echo 'session required pam_netns.so' >/etc/pam.d/only
	pamtester_session su alice
	host_clean 5
}

conf_restore() {
	rm -rf "$CONF"
	cp -p "$OUT/conf" "$CONF"
}

# helper_replace 'SHELL COMMAND': runs in place of the helper.
helper_replace() {
	rm -f "$HELPER"
	printf '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nHELPER=%s\n%s\n' "$OUT/helper" "$1" >"$HELPER"
	chmod 0755 "$HELPER"
}

helper_restore() {
	rm -rf "$HELPER"
	cp -p "$OUT/helper" "$HELPER"
}

in_own_network() {
	assert_match "^you are $HOST4" "$(su "${1:-alice}" -c "curl -sS -m 3 http://$OUTSIDE4/")"
}

# refused USER REGEX: by a real program, one line to the user, the cause in the log, nothing left.
refused() {
	local said
	log_mark
	said=$(assert_fails su "$1" -c 'echo let in' 2>&1)
	assert_eq 'Login refused: your private network could not be set up. Please tell the administrator of this machine.' \
		"$(grep -v '^su: ' <<<"$said")"
	log_grep "^authpriv.err .*pam_netns\(su:session\): .*($2)" >/dev/null
	# The veth pair goes by itself, 33 ms after its namespace.
	host_clean 1
}

# refused_all REGEX: whoever it is, root too.
refused_all() {
	refused alice "$1"
	refused root "$1"
}

# --- the conf file ---

# bad_conf 'SED COMMAND' REGEX: the shipped file with one thing changed.
bad_conf() {
	conf_restore
	sed -i "$1" "$CONF"
	! cmp -s "$CONF" "$OUT/conf" || fail "nothing changed: $1"
	refused_all "$2"
	assert_match "$2" "$(assert_fails pam-netns check 2>&1)" 'pam-netns check'
}

test_bad_conf() {
	local line='/etc/security/pam_netns.conf:[0-9]+: '
	bad_conf 's/^\[network default\]/[netwerk default]/' "$line.*netwerk"
	bad_conf 's/^subnet = .*/subnetz = 10.203.0.0\/16/' "$line.*subnetz"
	bad_conf 's/^subnet = .*/subnet = 10.203.0.0\/33/' "$line.*10\.203\.0\.0/33"
	bad_conf 's/^mtu = .*/mtu = 12/' "$line.*12.*1280"
	bad_conf 's/^peers = .*/peers = maybe/' "$line.*maybe.*no, yes"
	bad_conf 's/^on_error = .*/on_error = allow/' "$line.*allow.*deny"
	bad_conf 's/^deadline = .*/deadline = 10/' "$line.*10"
	bad_conf 's/^network = .*/network = other/' "$line.*other"
	bad_conf 's/^match = \*/match =/' "$line"
	bad_conf 's/^private = .*/private = tmp/' "$line.*tmp"
	bad_conf 's/^private = .*/private = \/tmp\/..\/etc/' "$line"
	bad_conf 's/^hostname = .*/hostname = a_b c/' "$line"
	bad_conf 's/^egress = .*/egress = deny 300.0.0.0\/8, allow any/' "$line.*300"
	bad_conf '$a\[network other]\nbridge = pnbr1\nsubnet = 10.203.128.0/24\nsubnet6 = none' "$line.*10\.203\.128\.0/24"
	bad_conf '$a\[network other]\nbridge = pnbr0\nsubnet = 10.9.0.0/24\nsubnet6 = none' "$line.*pnbr0"
	bad_conf '$a\[profile default]\nmatch = bob' "$line.*default"
	bad_conf 's/^mtu = .*/mtu = auto\nmtu = 1400/' "$line.*mtu"
	bad_conf 's/^mtu = .*/mtu/' "$line"
	bad_conf '/^match = \*/d' "$line"
	conf_restore
	in_own_network
}

# What cannot be believed because others could write it, or is no file at all.
test_conf_that_is_no_file_of_roots() {
	chown alice "$CONF"
	refused_all "$CONF.*root"
	conf_restore
	chmod 0666 "$CONF"
	refused_all "$CONF"
	conf_restore
	chmod 0664 "$CONF"
	refused_all "$CONF"
	chmod 0777 /etc/security
	conf_restore
	refused_all '/etc/security'
	chmod 0755 /etc/security
	chown bob /etc/security
	refused_all '/etc/security'
	chown root /etc/security
	rm "$CONF"
	refused_all "$CONF.*No such file"
	mkfifo "$CONF"
	refused_all "$CONF"
	rm "$CONF"
	mkdir "$CONF"
	refused_all "$CONF"
	rmdir "$CONF"
	cp "$OUT/conf" /home/alice/conf
	chown alice /home/alice/conf
	ln -s /home/alice/conf "$CONF"
	refused_all '/home/alice: owned by uid 2001'
	rm "$CONF"
	ln -s /dev/zero "$CONF"
	refused_all '/dev/zero'
	conf_restore
	in_own_network
}

test_conf_of_noise() {
	head -c 10000000 /dev/urandom >"$CONF"
	refused_all "$CONF"
	printf '[profile default]\n%.0s' {1..500000} >"$CONF"
	refused_all "$CONF"
	head -c 10000000 /dev/zero >"$CONF"
	refused_all "$CONF"
	head -c 3000 "$OUT/conf" >"$CONF"
	head -c 100000 /dev/zero | tr '\0' a >>"$CONF"
	refused_all "$CONF"
	cp "$OUT/conf" "$CONF"
	printf 'mtu = 1500\0\n' >>"$CONF"
	refused_all "$CONF"
	: >"$CONF"
	refused_all "$CONF"
	conf_restore
}

# Cut off anywhere: an error, or a file that is right as it is; never a crash.
test_conf_cut_off() {
	local size
	for ((size = 100; size < $(stat -c %s "$OUT/conf"); size += 397)); do
		head -c "$size" "$OUT/conf" >"$CONF"
		log_mark
		if ! su root -c true >/dev/null 2>&1; then
			log_grep "$CONF" >/dev/null
		fi
		assert_no_log 'signal'
	done
	conf_restore
}

# --- the helper ---

test_helper_missing() {
	rm "$HELPER"
	refused alice "$HELPER.*No such file"
	assert_eq 0 "$(su root -c 'id -u')"
	assert_eq dave "$(su dave -c 'id -un')"
	assert_fails ssh_as alice -- true
	helper_restore
	in_own_network
}

test_helper_not_executable() {
	chmod 0644 "$HELPER"
	refused alice "$HELPER.*Permission denied"
	rm "$HELPER"
	mkdir "$HELPER"
	refused alice "$HELPER.*Permission denied"
	rmdir "$HELPER"
	echo garbage >"$HELPER"
	chmod 0755 "$HELPER"
	refused alice "$HELPER.*format error"
	helper_restore
}

test_helper_hangs() {
	local start seconds
	conf_set deadline 1s
	helper_replace 'exec sleep 77'
	start=${EPOCHREALTIME/./}
	refused alice 'helper open .*(1000 ms|deadline|time)'
	seconds=$(((${EPOCHREALTIME/./} - start) / 100000))
	((seconds < 25)) || fail "refused after $seconds tenths of a second"
	assert_fails pgrep -f 'sleep 77'
	helper_restore
	conf_restore
	in_own_network
}

# It hangs in the middle of its work, holding alice's lock.
test_helper_hangs_half_way() {
	conf_set deadline 1s
	helper_replace 'if [ "$1" = open ] && mkdir '"$OUT"'/once 2>/dev/null; then
		exec strace -f -qq -o /dev/null -e trace=rename -e inject=rename:delay_enter=5000000:when=1 $HELPER "$@"
	fi
	exec $HELPER "$@"'
	assert_fails su alice -c true
	helper_restore
	conf_restore
	in_own_network
	pam-netns gc
	host_clean 2
}

test_helper_dies() {
	helper_replace 'exit 1'
	refused alice 'helper open .*exit'
	helper_replace 'exit 0'
	refused alice 'helper open .*exit'
	helper_replace 'kill -KILL $$'
	refused alice 'helper open .*signal 9'
	helper_replace 'kill -SEGV $$'
	refused alice 'helper open .*signal 11'
	helper_replace 'echo garbage >&0; sleep 0.2'
	refused alice 'helper open'
	helper_restore
	in_own_network
}

test_helper_missing_at_close() {
	rm -f "$OUT/pid"
	"$TOOLS/host-session" su alice sh -c "rm $HELPER" 2>"$OUT/said" && fail 'closing should have failed'
	log_grep 'session not closed cleanly: user=alice uid=2001; pam-netns gc does the rest'
	helper_restore
	pam-netns gc
	host_clean 2
}

# --- the kernel, and what else is missing ---

# fault CALL ERROR WHEN REGEX: the helper's WHENth such call fails.
fault() {
	helper_replace "[ \$1 = open ] || exec \$HELPER \"\$@\"
		exec strace -f -qq -o $OUT/strace -e trace=$1 -e inject=$1:error=$2:when=$3 \$HELPER \"\$@\""
	refused alice "$4"
	grep -q INJECTED "$OUT/strace" || fail "no $3. call of $1"
}

test_kernel_limits_and_errors() {
	fault unshare ENOSPC 1 'net namespace .*user.max_net_namespaces.*No space left'
	fault unshare ENOSPC 2 'uts namespace .*user.max_uts_namespaces.*No space left'
	fault unshare ENOSPC 3 'mount namespace .*user.max_mnt_namespaces.*No space left'
	fault mount ENOSPC 1 'No space left'
	fault mount ENOMEM 2 '(Cannot allocate|Out of) memory' # glibc's words, musl's
	fault move_mount ENOSPC 1 'No space left'
	fault sethostname EPERM 1 'host name'
	fault symlink ENOSPC 1 '/run/netns/alice.*No space left'
	fault rename EIO 1 '(Input/output|I/O) error'
	helper_restore
	in_own_network
	host_clean 2
}

# Wherever netlink fails: refused, or let in with all that belongs to it.
test_netlink_errors() {
	local call i
	for call in sendto recvfrom; do
		for i in 1 2 3 4 5 6 7 8 9; do
			helper_replace "[ \$1 = open ] || exec \$HELPER \"\$@\"
				exec strace -f -qq -o $OUT/strace -e trace=$call -e inject=$call:error=ENOBUFS:when=$i \$HELPER \"\$@\""
			if su alice -c "curl -sS -m 3 http://$OUTSIDE4/" >"$OUT/said" 2>&1; then
				assert_match "^you are $HOST4" "$(<"$OUT/said")"
			else
				assert_match 'Login refused' "$(<"$OUT/said")"
			fi
			host_clean 2
		done
	done
	helper_restore
}

test_no_address_left() {
	local i in=0
	users_add pupil 2101 16
	conf_set subnet 10.77.0.0/28
	for ((i = 1; i <= 16; i++)); do
		! su "pupil$i" -c true 2>/dev/null || in=$((in + 1))
	done
	assert_eq 13 "$in"
	host_clean 3
	# A lease is for ever: who has one gets in, who has none does not.
	for ((i = 1; i <= 16; i++)); do
		[[ -L /var/lib/pam-netns/leases/default/uid/$((2100 + i)) ]] || break
	done
	refused "pupil$i" 'no address is left in network default'
	conf_restore
	in_own_network "pupil$i"
	host_clean 3
}

test_nft_missing() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	mv "$nft" "$nft.away"
	# Not needed where all is set up.
	in_own_network
	host_clean 2
	ip link delete pnbr0
	refused alice 'nft .install nftables'
	mv "$nft.away" "$nft"
	in_own_network
	host_clean 2
}

test_nft_refuses() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	mv "$nft" "$nft.away"
	printf '#!/bin/sh\necho "Error: no such thing"\nexit 1\n' >"$nft"
	chmod 0755 "$nft"
	ip link delete pnbr0
	refused alice 'nft refused our rules: Error: no such thing'
	mv "$nft.away" "$nft"
	in_own_network
	host_clean 2
}

# Ports that failed logins had reserved would be missed by everybody.
test_a_failed_login_keeps_no_port() {
	local nft before
	nft=$(readlink -f "$(command -v nft)")
	conf_set ports_per_bridge 1
	hold_session bob bob
	before=$(cksum </run/pam-netns/networks/default/ports)
	mv "$nft" "$nft.away"
	assert_fails su alice -c true
	assert_eq "$before" "$(cksum </run/pam-netns/networks/default/ports)"
	mv "$nft.away" "$nft"
	end_session bob
	conf_restore
	in_own_network
	host_clean 3
}

# Once the helper is killed its locks are free: an nft that goes on would undo what others do then.
test_nft_hangs() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	conf_set deadline 1s
	mv "$nft" "$nft.away"
	printf '#!/bin/sh\nexec sleep 613\n' >"$nft"
	chmod 0755 "$nft"
	ip link delete pnbr0
	log_mark
	assert_fails su alice -c true
	log_grep 'helper open .*(deadline|time)' >/dev/null
	wait_until 1 eval '! pgrep -f "sleep 613"'
	mv "$nft.away" "$nft"
	conf_restore
	in_own_network
	host_clean 2
}

# A /run without a free page, without a free inode.
test_run_is_full() {
	local i
	pam-netns gc
	mount -o remount,size=4m /run
	dd if=/dev/zero of=/run/full bs=4k 2>/dev/null || :
	refused alice 'No space left'
	rm /run/full
	mount -o remount,size=50% /run
	in_own_network
	host_clean 2
	mkdir /run/full
	mount -o "remount,nr_inodes=$(($(df --output=iused /run | tail -n 1) + 20))" /run
	for ((i = 0; i < 100; i++)); do
		touch "/run/full/$i" 2>/dev/null || break
	done
	refused alice 'No space left'
	mount -o remount,nr_inodes=100000 /run
	rm -r /run/full
	in_own_network
	host_clean 2
}

# --- on_error = host ---

test_on_error_host() {
	conf_set on_error host
	rm "$HELPER"
	assert_eq "$(readlink /proc/self/ns/net)" "$(su alice -c 'readlink /proc/self/ns/net')"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=alice uid=2001 service=su'
	helper_replace 'exit 1'
	assert_eq "$(readlink /proc/self/ns/net)" "$(ssh_as alice -- readlink /proc/self/ns/net)"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=alice uid=2001 service=sshd'
	helper_restore
	assert_ne "$(readlink /proc/self/ns/net)" "$(su alice -c 'readlink /proc/self/ns/net')"
	# Nobody knows what a file in error would have said.
	echo 'nonsense = 1' >>"$CONF"
	refused_all "$CONF"
	conf_restore
	host_clean 3
}

# From within alice's network, "where it is" is there.
test_on_error_host_in_a_session() {
	conf_set on_error host
	hold_session one alice
	helper_replace '[ "$1" != open ] || exit 1; exec $HELPER "$@"'
	assert_eq "$(in_session one 'readlink /proc/self/ns/net')" \
		"$(pam-netns exec alice --root -- su bob -c 'readlink /proc/self/ns/net')"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=bob'
	helper_restore
	conf_restore
	end_session one
	host_clean 3
}

# --- PAM ---

test_unknown_argument() {
	host_pam_install nonsense
	refused_all 'nonsense'
	host_pam_install conf=relative
	refused_all 'relative'
	host_pam_install "conf=$OUT/nothing"
	refused_all "$OUT"
	host_pam_install
	in_own_network
}

test_names_that_are_no_users() {
	local name
	for name in nobody-here '' / .. ../alice a/b '-1' '#2001' 4294967295 ALICE 'alice ' $'alice\n' $'al\tice' \
		$'\033[31m' "$(head -c 5000 /dev/zero | tr '\0' a)" %s%s%n; do
		log_mark
		assert_fails pamtester only "$name" open_session >/dev/null 2>&1
		[[ -z $name ]] || log_grep '^authpriv.err .*pam_netns\(only:session\): login refused' >/dev/null
		assert_no_log $'\033'
		assert_eq '' "$(host_residue)"
	done
}

# Two names of one uid are one user.
test_second_name_of_a_uid() {
	sed -n 's/^alice:/alicia:/p' /etc/passwd >>/etc/passwd.new
	cat /etc/passwd.new >>/etc/passwd
	hold_session one alice
	assert_eq "$(in_session one 'readlink /proc/self/ns/net')" \
		"$(pam_session -u only alicia readlink /proc/self/ns/net)"
	end_session one
	host_clean 3
	sed -i '/^alicia:/d' /etc/passwd
}

test_exempt_services_are_logged() {
	conf_set services_exempt 'vsftpd only'
	assert_eq "$(readlink /proc/self/ns/net)" "$(pam_session only alice readlink /proc/self/ns/net)"
	log_grep '^authpriv.info .*service only is exempt: user=alice uid=2001 stays on the host'
	assert_ne "$(readlink /proc/self/ns/net)" "$(pam_session su alice readlink /proc/self/ns/net)"
	conf_restore
	host_clean 3
}

test_who_matches_no_profile_is_refused() {
	conf_set match carol
	sed -i 's/^match = carol/match = root/; 0,/^match = root/!s/^match = root/match = bob/' "$CONF"
	refused alice 'no profile in .* matches'
	assert_eq 0 "$(su root -c 'id -u')"
	conf_restore
}

# Before each test, whatever became of the one before it.
if [[ -e $OUT/helper ]]; then
	conf_restore
	helper_restore
	host_pam_install
	pam-netns up
fi
