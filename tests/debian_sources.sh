# shellcheck shell=bash
# This machine's places for a release of Debian, as lines for mmdebstrap. Other places of apt do not count.
sources_of() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
		sed -nE "s/^Debian ([^ ]+) $codename(-updates|-security)? (.*)/deb \1 $1\2 \3/p" | sort -u
}
