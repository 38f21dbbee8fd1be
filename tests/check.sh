#!/bin/bash
# All that is tested, one stage after the other; the last line sums their sums. A stage that ends
# without its sum, with an error, too late or without a single test has failed; so has a skipped test.
set -u
cd "$(dirname "$0")/.." || exit 2
export CI=true
make=("${MAKE:-make}" -s --no-print-directory "B=${B:-build}")
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0

# sum_of WORD: the number before it in the stage's last line.
sum_of() {
	sed -nE "s/^$name: (.*, )?([0-9]+) $1.*/\2/p" "$log" | tail -n 1
}

# stage NAME SECONDS COMMAND...: the command's last line is "NAME: N passed, N failed".
stage() {
	local name=$1 limit=$2 code p f s
	shift 2
	echo "== $name (up to $limit s)"
	SECONDS=0
	timeout -k 10 "$limit" "$@" </dev/null 2>&1 | tee "$log"
	code=${PIPESTATUS[0]}
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
stage build 300 "${make[@]}" -j "$(nproc)" build-report
stage unit 300 "${make[@]}" -j "$(nproc)" unit
stage ruleset_nft 120 "${make[@]}" ruleset
stage integration 600 "${make[@]}" integration
stage fuzz 240 "${make[@]}" -j "$(nproc)" fuzz
stage lint 300 "${make[@]}" lint
stage threats 30 tests/threats
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
