# shellcheck shell=bash
# What the tests of `doctor` and `check` share: a fault is planted, found, mended as the finding says, and
# found no more.

# findings: what doctor, or $FINDER, prints.
findings() {
	pam-netns "${FINDER:-doctor}" 2>&1 || :
}

# present REGEX, absent REGEX: in the findings.
present() {
	assert_match "$1" "$(findings)"
}
absent() {
	assert_no_match "$1" "$(findings)"
}

# remedy REGEX: prints the remedy of the matching finding, which is the same in JSON.
remedy() {
	local said
	said=$(findings | grep -E "$1") || fail "no finding matches $1"
	said=${said##* -> }
	[[ ${FINDER:-doctor} != doctor ]] ||
		assert_match true "$({ pam-netns doctor --json || :; } | jq --arg said "$said" 'any(.[]; .remedy == $said)')" "$said"
	echo "$said"
}

# mend REGEX: runs this remedy. eval "$(remedy REGEX)" would succeed without such a finding.
mend() {
	local command
	command=$(remedy "$1")
	eval "$command"
}

# conf_back: the shipped conf file, put into force.
conf_back() {
	conf_reset
	pam-netns up
}
