# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell inside
# pam-netns-enter, the setuid program, with pins made by hand, so that they can be wrong in each way. carol
# has valid pins, bob none, alice and dave invalid ones.

ENTER=/usr/libexec/pam-netns/pam-netns-enter
RUN=/run/pam-netns
NONE='pam-netns-enter: you have no network of your own at present; log in first'

# holder NAME [UNSHARE OPTION…]: a process in new namespaces; its pid is in $OUT/NAME.
holder() {
	local name=$1
	shift
	unshare "$@" sleep 600 >/dev/null 2>&1 &
	echo $! >"$OUT/$name"
	wait_until 2 eval "[[ \$(cat /proc/$!/comm) == sleep ]]"
}

# pin USER KIND NAME: pins the namespace of NAME's holder. Kernels 6.18.y refuse mount namespaces from some
# CPUs; the holder is then made again.
pin() {
	local folder file i
	folder=$RUN/pins/$(id -u "$1")
	file=$folder/$2
	[[ -d $folder ]] || mkdir -m 0700 "$folder"
	rm -f "$file"
	: >"$file"
	for ((i = 0; i < 200; i++)); do
		! mount --bind "/proc/$(<"$OUT/$3")/ns/$2" "$file" 2>/dev/null || return 0
		kill "$(<"$OUT/$3")"
		holder "$3" --mount
	done
	fail "cannot pin $2"
}

unpin() {
	local folder
	folder=$RUN/pins/$(id -u "$1")
	umount -l "$folder"/* 2>/dev/null || :
	rm -rf "$folder"
}

setup() {
	install -d -m 0755 "$RUN"
	install -d -m 0700 "$RUN/hostproc" "$RUN/pins"
	install -d "$RUN/hostproc/proc"
	mountpoint -q "$RUN/hostproc/proc" || mount --bind /proc "$RUN/hostproc/proc"
	mountpoint -q "$RUN/pins" || mount -t tmpfs -o mode=0700 tmpfs "$RUN/pins"
	mount --make-private "$RUN/pins"
	holder carol --net --uts
	holder carol.mnt --mount
	nsenter --target "$(<"$OUT/carol")" --uts hostname inside
	pin carol net carol
	pin carol uts carol
	pin carol mnt carol.mnt
	nsenter --target "$(<"$OUT/carol.mnt")" --mount sh -c \
		'mount -t tmpfs -o mode=0755 tmpfs /opt && mkdir /opt/mark && mkdir -m 0777 /opt/work'
}

# refused MESSAGE USER ARGUMENT…: the exit status is 1, the message is the only output.
refused() {
	local message=$1 user=$2 code=0
	shift 2
	as "$user" "$ENTER" "$@" >"$OUT/stdout" 2>"$OUT/stderr" </dev/null || code=$?
	assert_eq 1 "$code" "exit status for: $*"
	assert_eq '' "$(<"$OUT/stdout")" stdout
	assert_eq "$message" "$(<"$OUT/stderr")" stderr
}

test_enter_joins_the_three_namespaces() {
	local ns pid
	for ns in net uts mnt; do
		pid=$(<"$OUT/carol")
		[[ $ns != mnt ]] || pid=$(<"$OUT/carol.mnt")
		assert_eq "$(readlink "/proc/$pid/ns/$ns")" \
			"$(as carol "$ENTER" readlink "/proc/self/ns/$ns")" "$ns"
	done
	assert_eq inside "$(as carol "$ENTER" -- hostname)"
	as carol "$ENTER" test -d /opt/mark
	[[ ! -e /opt/mark ]] || fail "the host's mounts changed"
}

test_enter_joins_only_pinned_namespaces() {
	pin bob net carol
	assert_eq "$(readlink "/proc/$(<"$OUT/carol")/ns/net")" \
		"$(as bob "$ENTER" readlink /proc/self/ns/net)"
	assert_eq testhost "$(as bob "$ENTER" hostname)"
	unpin bob
}

# T14: CVE-2020-5291, CVE-2023-38496.
test_privilege_is_dropped_for_good() {
	local status
	status=$(as carol "$ENTER" cat /proc/self/status)
	assert_match $'Uid:\t2003\t2003\t2003\t2003' "$status"
	assert_match $'Gid:\t2100\t2100\t2100\t2100' "$status"
	for set in Inh Prm Eff Amb; do
		assert_match "Cap$set:.0000000000000000" "$status"
	done
	# Both are those of a login, so that sudo works inside.
	assert_eq "$(grep CapBnd /proc/self/status)" "$(grep CapBnd <<<"$status")"
	assert_match $'NoNewPrivs:\t0' "$status"
	assert_eq "$(as carol id -G)" "$(as carol "$ENTER" id -G)"
	assert_fails as carol "$ENTER" cat /etc/shadow
	assert_fails as carol "$ENTER" hostname changed
	assert_fails as carol "$ENTER" ip link set lo up
}

test_capabilities_of_the_caller_are_dropped_too() {
	assert_match $'CapInh:\t0000000000000000\nCapPrm:\t0000000000000000' "$(setpriv --reuid carol \
		--regid lab --init-groups --inh-caps=+net_admin,+sys_admin --ambient-caps=+net_admin \
		"$ENTER" cat /proc/self/status)"
	# Securebits by which setuid does not clear capabilities.
	assert_match $'CapPrm:\t0000000000000000' "$(setpriv --reuid carol --regid lab --init-groups \
		--securebits=+no_setuid_fixup "$ENTER" cat /proc/self/status)"
}

# T16: CVE-2024-21626.
test_descriptors_of_the_caller_are_closed() {
	local open='for fd in /proc/self/fd/*; do echo ${fd##*/}; done | sort -n | head -n 4 | tr "\n" " "'
	# Descriptor 3 is the shell's own. There are no more than in a plain shell.
	assert_eq "$(as carol sh -c "$open" 7</etc/passwd 7<&-)" \
		"$(as carol "$ENTER" sh -c "$open" 5</etc/passwd 9</ 200</etc)"
	assert_eq 'ok' "$(as carol "$ENTER" sh -c 'echo ok' <&-)"
	as carol "$ENTER" sh -c '[ -e /proc/self/fd/0 ] && [ -e /proc/self/fd/1 ] && [ -e /proc/self/fd/2 ]' \
		<&- >&- 2>&-
}

test_state_of_the_command_is_kept() {
	assert_eq 0077 "$(umask 077 && as carol "$ENTER" sh -c umask)"
	assert_match $'SigIgn:\t0000000000000001' "$(trap '' HUP && as carol "$ENTER" grep SigIgn /proc/self/status)"
	assert_eq 'a  b' "$(WORD='a  b' as carol "$ENTER" sh -c 'echo "$WORD"')"
	assert_eq 64 "$(ulimit -n 64 && as carol "$ENTER" sh -c 'ulimit -n')"
	assert_eq '-x -- |y' "$(as carol "$ENTER" -- printf '%s|' '-x -- ' y | sed 's/ |/ |/; s/|$//')"
}

test_loader_variables_are_removed() {
	assert_eq '<>' "$(LD_PRELOAD=/tmp/evil.so LD_LIBRARY_PATH=/tmp as carol "$ENTER" sh -c \
		'echo "<$LD_PRELOAD$LD_LIBRARY_PATH>"' 2>/dev/null)"
}

# Root can search the folder, carol cannot: PATH is searched with carol's rights.
test_path_is_searched_after_the_drop() {
	install -d -m 0700 /srv/root-only
	install -m 0755 /bin/true /srv/root-only/hidden
	assert_code 127 env "PATH=/usr/bin:/bin" setpriv --reuid carol --regid lab --init-groups \
		"$ENTER" hidden
	assert_code 126 env "PATH=/usr/bin:/bin:/srv/root-only" setpriv --reuid carol --regid lab \
		--init-groups "$ENTER" hidden
}

test_exit_status_is_that_of_the_command() {
	assert_code 7 as carol "$ENTER" sh -c 'exit 7'
	assert_code 127 as carol "$ENTER" /no/such/program
	assert_code 126 as carol "$ENTER" /etc/passwd
	assert_code 0 as carol "$ENTER" --help
	assert_eq "$(as bob "$ENTER" --version)" "$(as carol "$ENTER" --version)"
	assert_eq fine "$(echo 'echo fine' | as carol "$ENTER")"
}

test_working_directory_is_kept_if_it_is_the_same() {
	cd /usr/share && assert_eq /usr/share "$(as carol "$ENTER" pwd)"
	mkdir /opt/work
	cd /opt/work && assert_eq / "$(as carol "$ENTER" pwd)" "another directory with that name"
	cd /root && assert_eq / "$(as carol "$ENTER" pwd)" "a directory that carol cannot enter"
	mkdir -p /srv/gone && cd /srv/gone && rmdir /srv/gone
	assert_eq / "$(as carol "$ENTER" pwd)" "a removed directory"
}

test_enter_inside_enter_changes_nothing() {
	cd /usr/share && assert_eq /usr/share "$(as carol "$ENTER" "$ENTER" -- "$ENTER" pwd)"
	assert_eq "$(as carol "$ENTER" readlink /proc/self/ns/net)" \
		"$(as carol "$ENTER" "$ENTER" readlink /proc/self/ns/net)"
	assert_match $'CapPrm:\t0000000000000000' "$(as carol "$ENTER" "$ENTER" cat /proc/self/status)"
}

test_user_without_pins_is_refused() {
	refused "$NONE" bob true
	refused "$NONE" bob
	mkdir -m 0700 "$RUN/pins/$(id -u bob)"
	refused "$NONE" bob true
	unpin bob
}

test_root_is_refused() {
	assert_code 1 "$ENTER" true
	pin root net carol
	assert_code 1 "$ENTER" true
	unpin root
}

# The answer is the same line for all arguments (T11).
test_hostile_arguments_change_nothing() {
	local words=(alice carol 2003 /proc/1/ns/net ../2003 -- '' $'\n' '%n' "$(<"$OUT/carol")" /etc/shadow) i
	for ((i = 0; i < 300; i++)); do
		refused "$NONE" bob "${words[RANDOM % ${#words[@]}]}" "${words[RANDOM % ${#words[@]}]}"
	done
	for i in -u --uid=2003 --target=1 -h --help=x ---; do
		refused 'pam-netns-enter: unknown option; try --help' bob "$i" carol
		refused 'pam-netns-enter: unknown option; try --help' carol "$i" true
	done
}

test_pin_that_is_no_namespace_is_refused() {
	local folder
	folder=$RUN/pins/$(id -u alice)
	mkdir -m 0700 "$folder"
	: >"$folder/net"
	refused 'pam-netns-enter: a pinned namespace is damaged; log in again' alice true
	rm "$folder/net" && mkfifo "$folder/net"
	refused 'pam-netns-enter: a pinned namespace is damaged; log in again' alice true
	rm "$folder/net" && ln -s "$RUN/pins/$(id -u carol)/net" "$folder/net"
	refused 'pam-netns-enter: cannot open a pinned namespace' alice true
	rm "$folder/net" && : >"$folder/net"
	mount --bind "/proc/$(<"$OUT/carol")/ns/uts" "$folder/net"
	refused 'pam-netns-enter: a pinned namespace is damaged; log in again' alice true
	unpin alice
}

# The program does not look for processes of the uid (T12). A namespace that a user made is refused even in
# the pin folder (CVE-2022-31214).
test_namespace_made_by_a_user_is_refused() {
	local folder pid
	folder=$RUN/pins/$(id -u alice)
	setpriv --reuid alice --regid lab --init-groups unshare -Urn sleep 60 &
	pid=$!
	wait_until 2 eval "[[ \$(cat /proc/$pid/comm) == sleep ]]"
	mkdir -m 0700 "$folder" && : >"$folder/net"
	mount --bind "/proc/$pid/ns/net" "$folder/net"
	refused 'pam-netns-enter: a pinned namespace is not owned by the host' alice true
	kill "$pid"
	unpin alice
}

test_pin_folder_not_owned_by_root_is_refused() {
	local folder
	folder=$RUN/pins/$(id -u dave)
	pin dave net carol
	chown dave "$folder"
	refused "pam-netns-enter: other users than root can change the folder of the pinned namespaces" dave true
	chown root "$folder" && chmod 0770 "$folder"
	refused "pam-netns-enter: other users than root can change the folder of the pinned namespaces" dave true
	umount "$folder/net" && rm -r "$folder"
	ln -s "$(id -u carol)" "$folder"
	refused 'pam-netns-enter: cannot reach the pinned namespaces' dave true
	rm "$folder"
}

test_program_without_setuid_is_refused() {
	assert_fails_with 'not setuid root here' as carol --no-new-privs "$ENTER" true
	assert_fails_with 'root has no network' as carol unshare -Ur "$ENTER" true
}

# child_joined PID NETWORK: the child of that process is in this network.
child_joined() {
	[[ $(readlink "/proc/$(pgrep -P "$1")/ns/net") == "$2" ]]
}

# The last session ends between the join and the check after it.
test_teardown_during_the_join_is_refused() {
	local pid code=0
	pin bob net carol
	# The process stops right after setns.
	strace -f -qq -o /dev/null -e inject=setns:signal=SIGSTOP setpriv --reuid bob --regid bob \
		--init-groups "$ENTER" echo inside >"$OUT/late" 2>&1 &
	pid=$!
	wait_until 10 child_joined "$pid" "$(readlink "/proc/$(<"$OUT/carol")/ns/net")"
	unpin bob
	kill -CONT "$(pgrep -P "$pid")"
	wait "$pid" || code=$?
	assert_eq 1 "$code"
	assert_eq 'pam-netns-enter: your network was removed; log in again' "$(<"$OUT/late")"
}

# After setns root opens only the pins, by a descriptor from before (T15).
test_enter_opens_no_file_after_the_switch() {
	local calls
	calls=$(strace -qq -e trace=openat,openat2,open,setresuid,setns,execve setpriv --reuid carol \
		--regid lab --init-groups "$ENTER" true 2>&1 | sed -n '/setns/,/setresuid/p')
	assert_match 'CLONE_NEWNS' "$calls"
	assert_match 'setresuid\(2003, 2003, 2003\)' "$calls"
	assert_no_match 'open(at2?)?\(("|AT_FDCWD)' "$calls"
}
