#!/bin/bash
# Runs all stages of the tests one after another; the last line has the total. A stage has failed if it ends
# without its sum, with an error, without a test, or without progress (tests/watch). A skipped test has
# failed too.
set -u
cd "$(dirname "$0")/.." || exit 2
export CI=true
make=("${MAKE:-make}" -s --no-print-directory "B=${B:-build}")
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0

# sum_of WORD: prints the number before the word in the stage's last line.
sum_of() {
	sed -nE "s/^$name: (.*, )?([0-9]+) $1.*/\2/p" "$log" | tail -n 1
}

# stage NAME COMMAND...: the command's last line is "NAME: N passed, N failed". Its limits are those of a stage
# without progress; its own commands have shorter ones.
stage() {
	local name=$1 code p f s
	shift
	echo "== $name"
	SECONDS=0
	tests/watch -v "$name" -i "${CHECK_IDLE:-600}" -c "${CHECK_CPU:-7200}" "$log" "$@"
	code=$?
	[[ $code -ne 130 ]] || exit 130
	p=$(sum_of passed)
	f=$(sum_of failed)
	s=$(sum_of skipped)
	p=${p:-0}
	f=$((${f:-0} + ${s:-0}))
	if [[ $f -eq 0 && ($code -ne 0 || $p -eq 0) ]]; then
		echo "$name: ended with status $code after $p tests"
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	echo "== $name: $p passed, $f failed ($SECONDS s)"
}

if [[ $EUID -ne 0 ]]; then
	echo "check: real logins need root: sudo ./bootstrap check" >&2
	exit 1
fi
stage build "${make[@]}" -j "$(nproc)" build-report
stage unit "${make[@]}" -j "$(nproc)" unit
stage ruleset_nft "${make[@]}" ruleset
stage integration "${make[@]}" integration
stage fuzz "${make[@]}" -j "$(nproc)" fuzz
stage lint "${make[@]}" lint
stage threats "${make[@]}" threats
stage docs "${make[@]}" docs
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
