# shellcheck shell=bash
# A throw-away host within this one, for tests of its start and end. NESTED_OPTIONS: of tests/host/host.
NESTED_OPTIONS=()

nested() {
	nested_command "$@"
	"${NESTED[@]}"
}

# nested_command COMMAND…: sets NESTED to what runs it on a host.
nested_command() {
	NESTED=(env B=/srv/build HOST_BUILT=1 "$CHECKOUT/tests/host/host" run --no-install "${NESTED_OPTIONS[@]}" -- "$@")
}

nested_works() {
	nested true 2>"$OUT/nested" || skip "no host within a host: $(tail -n 1 "$OUT/nested")"
}

# everything: prints what `snapshot` prints, and all processes but the runner's own.
everything() {
	"$CHECKOUT/tests/host/snapshot"
	pgrep -a . | grep -vE 'tests/integration/run --function|grep|sleep 1\.000$|^[0-9]+ \['
}

# nested_start: a host with two processes that would stay; pid is that of `host`.
nested_start() {
	: >"$OUT/nested.up"
	nested_command sh -c 'setsid sleep 301 & echo up; sleep 302; :'
	"${NESTED[@]}" >"$OUT/nested.up" 2>&1 &
	pid=$!
	wait_until 30 grep -q up "$OUT/nested.up"
}

# ends_by SIGNAL: the signal ends a host at once, with all of its processes.
ends_by() {
	local before pid code=0
	before=$(everything)
	nested_start
	kill -s "$1" "$pid"
	wait "$pid" || code=$?
	assert_eq "$((128 + $(kill -l "$1")))" "$code"
	assert_same "$before" "$(everything)"
}

# SIGKILL leaves no time to clean up: processes end all the same, and the next host removes the cgroup.
ends_by_sigkill() {
	local before pid
	before=$(everything)
	nested_start
	kill -KILL "$pid"
	wait "$pid" || :
	wait_until 10 sh -c '! pgrep -f "sleep 30[12]"'
	# The host's other processes may end later.
	wait_until 10 grep -qx 'populated 0' "/sys/fs/cgroup/pam-netns-host.$pid/cgroup.events"
	nested true
	assert_same "$before" "$(everything)"
}
