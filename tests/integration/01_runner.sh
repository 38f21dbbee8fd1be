# shellcheck shell=bash
# The runners of the tests: a hanging test is ended and named, a slow one goes on.

WATCH=$CHECKOUT/tests/watch
export WATCH_TICK=200

# fake NAME <<END: an executable script in $OUT/fake.
fake() {
	mkdir -p "$OUT/fake"
	cat >"$OUT/fake/$1"
	chmod 0755 "$OUT/fake/$1"
}

test_silent_command_is_ended() {
	local output=$OUT/output
	assert_code 124 "$WATCH" -i 3 "$output" sh -c 'echo the last words; sleep 1234'
	assert_match 'the last words.*hangs: neither output nor CPU time for 3 s.*sleep 1234' "$(<"$output")"
	wait_until 10 eval '! pgrep -xf "sleep 1234"'
}

# The command lasts longer than the allowed silence.
test_slow_command_is_not_ended() {
	# shellcheck disable=SC2016 # for the inner shell
	assert_code 7 "$WATCH" -i 4 "$OUT/output" bash -c 'for i in {1..12}; do echo $i; sleep 0.5; done; exit 7'
	assert_eq 12 "$(tail -n 1 "$OUT/output")"
	assert_code 0 "$WATCH" -i 3 "$OUT/output" bash -c 'while ((SECONDS < 6)); do :; done'
}

test_looping_command_is_ended_by_its_cpu_time() {
	assert_code 124 "$WATCH" -i 60 -c 2 "$OUT/output" bash -c 'while :; do :; done'
	assert_match 'hangs: 2 s of CPU time used' "$(<"$OUT/output")"
	assert_code 124 "$WATCH" -i 60 -c 2 "$OUT/output" yes
}

# With -p the CPU time of other processes counts too, which work for the command.
test_silent_command_with_busy_helper_is_not_ended() {
	bash -c 'while ((SECONDS < 6)); do :; done' &
	assert_code 0 "$WATCH" -p 1 -i 3 "$OUT/output" sleep 5
	assert_code 124 "$WATCH" -i 3 "$OUT/output" sleep 1234
}

test_command_that_ignores_sigterm_is_ended() {
	assert_code 124 "$WATCH" -i 2 "$OUT/output" bash -c 'trap "" TERM; setsid sleep 1234 & sleep 1234; sleep 1234'
	wait_until 10 eval '! pgrep -xf "sleep 1234"'
}

test_ended_runner_ends_its_command() {
	local pid code=0
	"$WATCH" "$OUT/output" sleep 1234 &
	pid=$!
	wait_until 10 pgrep -xf 'sleep 1234'
	kill -TERM "$pid"
	wait "$pid" || code=$?
	assert_eq 130 "$code"
	wait_until 10 eval '! pgrep -xf "sleep 1234"'
}

test_signals_of_the_command_are_unchanged() {
	local own
	own=$(grep SigIgn /proc/self/status)
	"$WATCH" "$OUT/output" cat /proc/self/status
	assert_eq "$own" "$(grep SigIgn "$OUT/output")"
}

test_hanging_test_is_named_and_the_next_one_runs() {
	local results
	mkdir -p "$OUT/state/out"
	cat >"$OUT/98_fake.sh" <<-'END'
		test_hangs() { echo "before it hangs"; sleep 1234; }
		test_fails() { false; }
		test_passes() { true; }
	END
	results=$(INTEGRATION_STATE=$OUT/state WATCH_IDLE=3 PROGRESS=line \
		bash "$CHECKOUT/tests/integration/run" --file "$OUT/98_fake.sh" .)
	assert_match '@ 98_fake/test_hangs.*not ok 98_fake/test_hangs # hangs: neither output nor CPU time for 3 s' "$results"
	assert_match '# before it hangs' "$results"
	assert_match 'not ok 98_fake/test_fails # exit 1 ' "$results"
	assert_match 'ok 98_fake/test_passes # [0-9]+ ms$' "$results"
}

# The output is that of cmocka.
test_hanging_unit_test_is_named() {
	local results
	fake slow_test <<-'END'
		#!/bin/sh
		echo '[ RUN      ] test_that_hangs'
		sleep 1234
	END
	fake bad_test <<-'END'
		#!/bin/sh
		echo "[  FAILED  ] test_that_fails"
		echo "[  FAILED  ] 1 test(s), listed below:"
		echo "[  FAILED  ] test_that_fails"
		exit 1
	END
	fake good_test <<-'END'
		#!/bin/sh
		echo '[       OK ] test_that_passes'
	END
	results=$(assert_fails env WATCH_IDLE=3 "$CHECKOUT/tests/unit/run" "$OUT/fake/slow_test" "$OUT/fake/good_test" \
		"$OUT/fake/bad_test")
	assert_match 'test_that_hangs.*hangs: neither' "$results"
	assert_match 'slow_test +0 passed, 1 failed' "$results"
	assert_match 'unit: 1 passed, 2 failed$' "$results"
}

test_hanging_fuzz_program_is_named() {
	local results
	fake names_fuzz <<-'END'
		#!/bin/sh
		echo 'INFO: seed corpus'
		sleep 1234
	END
	results=$(assert_fails env WATCH_IDLE=3 "$CHECKOUT/tests/fuzz/run" 1 "$OUT/fake/names_fuzz")
	assert_match 'seed corpus.*hangs: neither' "$results"
	assert_match 'names: failed' "$results"
	assert_match 'fuzz: 0 passed, 1 failed$' "$results"
}

# The stages of check are targets of make. One hangs after its first lines, one takes longer than the allowed
# silence, one ends without its sum.
test_hanging_stage_is_ended_and_slow_one_is_not() {
	local results
	fake make <<-'END'
		#!/bin/bash
		case ${!#} in
		unit) echo '@ 3 of 7, now lease_test'; echo 'last words'; sleep 1234 ;;
		lint) for i in {1..14}; do echo "@ $i of 14"; sleep 0.5; done; echo 'lint: 14 passed, 0 failed' ;;
		fuzz) exit 0 ;;
		build-report) echo 'build: 1 passed, 0 failed' ;;
		ruleset) echo 'ruleset_nft: 2 passed, 0 failed' ;;
		*) echo "${!#}: 1 passed, 1 failed" ;;
		esac
	END
	results=$(assert_fails env MAKE="$OUT/fake/make" CHECK_IDLE=4 PROGRESS_EVERY=0 "$CHECKOUT/tests/check.sh")
	assert_match $'\n== unit: 3 of 7, now lease_test, 0:0[0-9] min\n' "$results"
	assert_match $'last words\n.*hangs: neither output nor CPU time for 4 s.*sleep 1234' "$results"
	assert_match $'unit: ended with status 124 after 0 tests\n== unit: 0 passed, 1 failed' "$results"
	assert_match $'\n== lint: 14 passed, 0 failed' "$results"
	assert_match $'\n== fuzz: 0 passed, 1 failed' "$results"
	assert_match $'\n20 passed, 5 failed$' "$results"
}

test_progress_is_rewritten_in_place_on_a_terminal() {
	local shown
	shown=$(as_pty "$WATCH" -v stage "$OUT/output" sh -c 'echo "@ 1 of 2"; sleep 4; echo result' </dev/null)
	assert_match $'\r\033\\[K== stage: 1 of 2, 0:0[0-9] min\r\033\\[Kresult' "$(tr -d '\n' <<<"$shown")"
	shown=$("$WATCH" -v stage "$OUT/output" sh -c 'echo "@ 1 of 2"; sleep 4; echo result')
	assert_match $'^== stage: 1 of 2, 0:0[0-9] min\nresult$' "$shown"
}

test_assertion_of_failure_and_output_needs_both() {
	assert_fails_with hello sh -c 'echo hello; exit 3'
	assert_code_with 3 hello sh -c 'echo hello; exit 3'
	assert_fails assert_fails_with hello echo hello
	assert_fails assert_fails_with hello false
	assert_fails assert_code_with 2 hello sh -c 'echo hello; exit 3'
	assert_fails assert_code_with 3 hello sh -c 'exit 3'
}

# Else -h would be a part of names, and all of those run.
test_mutants_tell_how_to_run_them() {
	assert_match 'run \[REGEX\]' "$(B=$OUT/mutants timeout 5 "$CHECKOUT/tests/mutants/run" -h)"
	assert_code 2 env B="$OUT/mutants" timeout 5 "$CHECKOUT/tests/mutants/run" --regex >/dev/null
	[[ ! -e $OUT/mutants ]]
}
