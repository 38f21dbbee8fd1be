# shellcheck shell=bash
# Many groups, and a huge one: a login looks up its user's groups, never those that profiles name.

setup() {
	local i
	host_pam_install
	for ((i = 1; i <= 1000; i++)); do
		echo "course$i:x:$((70000 + i)):bob"
	done >>/etc/group
	echo "everyone:x:69999:alice$(printf ',student%d' {1..10000})" >>/etc/group
}

# group_reads: prints how often a login of alice reads /etc/group.
group_reads() {
	pamtester_session su alice >/dev/null # puts the conf file into force
	strace -f -qq -e trace=openat -o "$OUT/groups.trace" "$TOOLS/host-session" su alice true
	grep -c '"/etc/group"' "$OUT/groups.trace"
}

test_login_looks_up_no_group_of_other_profiles() {
	local few many i start names
	few=$(group_reads)
	{
		echo '[network default]'
		for ((i = 0; i < 50; i++)); do
			names=$(printf '@course%d, ' $(seq $((i * 20 + 1)) $((i * 20 + 20))))
			printf '[profile p%d]\nmatch = %s\n' "$i" "${names%, }"
		done
		printf '[profile all]\nmatch = @everyone\n'
	} >"$CONF"
	pam-netns check "$CONF"
	many=$(group_reads)
	start=${EPOCHREALTIME/./}
	assert_match 'profile +all' "$(pam-netns explain alice)"
	echo "explain: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	echo "$few reads of /etc/group with the shipped conf, $many with 51 profiles that name 1,001 groups"
	((few > 0)) || fail "no read of /etc/group was seen"
	assert_eq "$few" "$many" "reads of /etc/group"
}
