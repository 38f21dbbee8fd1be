# shellcheck shell=bash
# systemd
# The Debian packages: what is in them, and their life on a host: installed, upgraded while a user is
# active, removed, purged. dpkg works on the throw-away host's own root, so the packages that they need
# must be on the machine; `./bootstrap integration` installs them.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"
# shellcheck source=tests/integration/readme_lib.sh
. "$CHECKOUT/tests/integration/readme_lib.sh"

export DEBIAN_FRONTEND=noninteractive
DEBS=$OUT/debs
VERSION=$(sed -n 's/^VERSION *= *//p' "$CHECKOUT/Makefile")
UNITS=(pam-netns.service pam-netns-gc.timer pam-netns-gc.path pam-netns-resolv.path)
STACKS="/etc/pam.d/common-session /etc/pam.d/common-session-noninteractive"

# packages_old: the packages again, as those of an older version.
packages_old() {
	local deb
	mkdir "$OUT/old"
	for deb in "$DEBS"/{lib,}pam-netns_*.deb; do
		dpkg-deb -R "$deb" "$OUT/old/tree"
		sed -i "s/^Version: .*/Version: 0.0.9/; s/(= $VERSION)/(= 0.0.9)/" "$OUT/old/tree/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone -b "$OUT/old/tree" "$OUT/old" >&2
		rm -r "$OUT/old/tree"
	done
}

setup() {
	local deb
	make -s -C "$CHECKOUT" B=/srv/build uninstall >&2
	rm -r "$CONF" /var/lib/pam-netns
	logind_stops_managers_at_once
	rm -f /usr/sbin/policy-rc.d # of a machine that starts no services
	"$CHECKOUT/debian/make-deb" "$DEBS" >&2
	packages_old
	for deb in "$DEBS"/{lib,}pam-netns_*.deb; do
		dpkg-deb -x "$deb" "$OUT/deb"
	done
	manuals_unpack
}

# dh_compress has packed the manuals and renamed the links to them.
manuals_unpack() {
	local link target
	while IFS=$'\t' read -r link target; do
		rm "$link"
		ln -s "${target%.gz}" "${link%.gz}"
	done < <(find "$OUT/deb/usr/share/man" -type l -name '*.gz' -printf '%p\t%l\n')
	find "$OUT/deb/usr/share/man" -name '*.gz' -exec gunzip {} +
}

# package_install FOLDER
package_install() {
	# A machine may leave out documentation.
	dpkg --force-unsafe-io --path-include='/usr/share/doc/pam-netns/*' --install "$1"/libpam-netns_*.deb "$1"/pam-netns_*.deb >&2
}

# packages_in_use FOLDER: these are installed, and the PAM stacks name the module.
packages_in_use() {
	[[ $(package_state pam-netns) == "$(dpkg-deb -f "$1"/pam-netns_*.deb Version) installed" ]] ||
		package_install "$1"
	pam-auth-update --enable pam-netns
	systemctl enable -q --now "${UNITS[@]}"
	assert_eq 2 "$(stacks | grep -c pam_netns.so)" "lines in the PAM stacks"
}

# package_state NAME: prints "VERSION STATE".
package_state() {
	dpkg-query -W -f '${Version} ${db:Status-Status}' "$1" 2>/dev/null || :
}

# all_gone: waits until nothing of any user is left. The gc timer would take up to a minute more.
gone_after_gc() {
	pam-netns gc && host_is_clean
}
all_gone() {
	wait_until 30 gone_after_gc
}

# session_network USER: prints the inode of a new session's network.
session_network() {
	ssh_as "$1" -- stat -L -c %i /proc/self/ns/net
}

# stacks: prints the host's PAM stacks.
stacks() {
	# shellcheck disable=SC2086 # words
	cat $STACKS
}

test_deb_version_is_the_makefiles() {
	assert_eq "$VERSION" "$(dpkg-parsechangelog -l "$CHECKOUT/debian/changelog" -S Version)"
	assert_eq "$VERSION" "$(dpkg-deb -f "$DEBS"/pam-netns_*.deb Version)"
}

# Each override in debian/ has its reason beside it. The overrides and the policy's version are for Debian
# 12's lintian; Debian 13's says so.
test_deb_lintian_has_nothing_to_say() {
	assert_eq "" "$(lintian --allow-root -EvI --pedantic --suppress-tags alien-tag,out-of-date-standards-version \
		"$DEBS"/*.changes 2>&1 | grep -vE '^(I: pam-netns: unused-override unknown-field|N: .* unused override)' || :)"
}

# tree DIR: prints mode and name of each file that `make install` could install, and of the state's folders.
tree() {
	(cd "$1" && find . \( -path ./usr/share/doc -o -path ./usr/share/lintian \) -prune -o \
		\( ! -type d -o -path './var/lib/*' \) -printf '%M %P %l\n' | LC_ALL=C sort -k 2)
}

test_deb_has_the_files_of_make_install() {
	local file units module
	units=$(cd "$OUT/deb" && find . -name pam-netns.service) # Debian 12: in /lib
	module=$(cd "$OUT/deb" && find . -name pam_netns.so)
	make -s -C "$CHECKOUT" B=/srv/build install DESTDIR="$OUT/make" UNITDIR="${units:1:-18}" PAMDIR="${module:1:-13}" >&2
	assert_same "$(tree "$OUT/make")" "$(tree "$OUT/deb")" files
	while read -r file; do
		[[ $(head -c 4 "$file") == $'\x7fELF' ]] || cmp "$file" "$OUT/deb/${file#"$OUT/make/"}"
	done < <(find "$OUT/make" -type f)
}

test_deb_programs_are_hardened() {
	local file
	for file in $(find "$OUT/deb" -name pam_netns.so) "$OUT"/deb/usr/{libexec/pam-netns/pam-netns-{helper,enter},sbin/pam-netns}; do
		assert_match 'BIND_NOW|FLAGS_1\).*NOW' "$(readelf -dW "$file")" "$file"
		assert_match 'Build ID: [0-9a-f]{40}' "$(readelf -nW "$file")" "$file"
		assert_no_match '\.debug_info' "$(readelf -SW "$file")" "$file"
	done
	assert_match '^musl \(= [0-9]' "$(dpkg-deb -f "$DEBS"/pam-netns_*.deb Static-Built-Using)"
	assert_eq '/etc/security/pam_netns.conf' "$(dpkg-deb -I "$DEBS"/pam-netns_*.deb conffiles)"
}

# An ordinary user builds it again: another folder, umask, time zone, locale, number of jobs, PATH. `make B=FOLDER deb`
# leaves that folder alone.
test_deb_is_reproducible() {
	local deb
	mkdir -m 0777 "$OUT/again" "$OUT/b"
	as alice touch "$OUT/b/kept"
	as alice env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/games HOME=/home/alice TZ=Pacific/Kiritimati LC_ALL=C MAKEFLAGS=" -- B=$OUT/b" \
		DEB_BUILD_OPTIONS=parallel=3 sh -c "umask 0027 && TMPDIR=$OUT $CHECKOUT/debian/make-deb $OUT/again" >&2
	for deb in "$DEBS"/*.{deb,dsc,tar.xz}; do
		cmp "$deb" "$OUT/again/${deb##*/}"
	done
	[[ -e $OUT/b/kept ]]
}

test_deb_installation_changes_no_login_and_enables_no_unit() {
	local before
	before=$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward; stacks)
	package_install "$OUT/old"
	assert_eq "0.0.9 installed" "$(package_state libpam-netns)"
	assert_eq "$(netns_inode 1)" "$(session_network alice)" "alice's network"
	assert_same "$before" "$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward; stacks)" host
	assert_eq "disabled disabled disabled disabled" "$(systemctl is-enabled "${UNITS[@]}" | xargs)" "enabled units"
	assert_eq "inactive inactive inactive inactive" "$(systemctl is-active "${UNITS[@]}" | xargs)" "active units"
}

test_deb_upgrade_keeps_active_users_and_the_conf_file() {
	local before
	packages_in_use "$OUT/old"
	hold_session first alice
	before=$(in_session first 'stat -L -c %i /proc/self/ns/net')
	echo '# edited' >>"$CONF"
	package_install "$DEBS"
	assert_eq "$VERSION installed" "$(package_state libpam-netns)"
	assert_eq "$VERSION installed" "$(package_state pam-netns)"
	assert_eq '# edited' "$(tail -n 1 "$CONF")"
	assert_eq "active active active active" "$(systemctl is-active "${UNITS[@]}" | xargs)" "active units"
	assert_eq 2 "$(stacks | grep -c pam_netns.so)" "lines in the PAM stacks"
	assert_eq "$before" "$(session_network alice)" "a new session's network"
	assert_eq "$before" "$(in_session first 'stat -L -c %i /proc/self/ns/net')" "the old session's network"
	in_session first 'curl -sf --max-time 10 http://198.51.100.1/' >&2
	end_session first
	all_gone
}

# The packages were just installed, as README says.
test_deb_readmes_commands_isolate_the_first_user_and_undo_it() {
	dpkg --purge libpam-netns pam-netns >&2
	package_install "$DEBS"
	readme_isolates_bob
	readme_undoes_it
	wait_until 30 user_manager_ended 2002
	pam-netns gc && pam-netns down
	host_is_clean
	[[ ! -e /sys/class/net/pnbr0 ]]
	cp "$SHIPPED" "$CONF"
}

# autopkgtest starts it on a machine with the packages, and it makes a throw-away host. Here it runs on this
# one, because overlays cannot be nested so deep if the machine's root is an overlay.
test_deb_autopkgtest_passes() {
	packages_in_use "$DEBS"
	rm -r "$CONF" /var/lib/pam-netns
	"$CHECKOUT/debian/tests/throw-away-host" on-the-host >&2
	all_gone
}

# remove_refused PATTERN: dpkg refuses, the packages stay as they are, and logins are isolated.
remove_refused() {
	local said stacks
	stacks=$(stacks)
	said=$(assert_code 1 dpkg --remove libpam-netns pam-netns 2>&1)
	assert_match "$1" "$said"
	assert_match 'libpam-netns: the package is not removed' "$said"
	assert_eq "$VERSION installed" "$(package_state libpam-netns)"
	assert_eq "$VERSION installed" "$(package_state pam-netns)"
	assert_same "$stacks" "$(stacks)" "PAM stacks"
	assert_ne "$(netns_inode 1)" "$(session_network bob)" "bob's network"
}

# T39: while a user is active, other logins do not lose the module even for a moment.
test_t39_deb_is_not_removed_while_in_use() {
	local before
	packages_in_use "$DEBS"
	hold_session first alice
	# shellcheck disable=SC2086 # words
	before=$(stat -c '%n %i %y' $STACKS)
	remove_refused 'Users are still active.*pam-netns kick USER'
	# shellcheck disable=SC2086 # words
	assert_same "$before" "$(stat -c '%n %i %y' $STACKS)" "PAM stacks' files"
	end_session first
	all_gone
	echo 'session required pam_netns.so' >/etc/pam.d/netns-try
	remove_refused '  /etc/pam.d/netns-try'
	rm /etc/pam.d/netns-try
	all_gone
}

# On a slow machine gc's unit may be between its start and its program when the package is removed.
gc_start_slowly() {
	mkdir -p /run/systemd/system/pam-netns-gc.service.d
	printf '[Service]\nExecStart=\nExecStart=sh -c "sleep 15; exec /usr/sbin/pam-netns gc"\n' >/run/systemd/system/pam-netns-gc.service.d/slow.conf
	systemctl daemon-reload
	systemctl start --no-block pam-netns-gc.service
}

gc_has_ended() {
	[[ $(systemctl is-active pam-netns-gc.service) != activating ]]
}

test_deb_removal_takes_out_its_profile_and_restores_the_host() {
	packages_in_use "$DEBS"
	echo '# edited' >>"$CONF"
	ssh_as alice -- true
	all_gone
	gc_start_slowly
	dpkg --remove libpam-netns pam-netns >&2
	wait_until 20 gc_has_ended
	rm -r /run/systemd/system/pam-netns-gc.service.d
	assert_no_match pam_netns "$(stacks)" "PAM stacks"
	assert_eq "inactive inactive inactive inactive" "$(systemctl is-active "${UNITS[@]}" | xargs)" "active units"
	assert_eq "" "$(systemctl --failed --no-legend --plain)" "failed units"
	assert_no_match pam_netns "$(nft list ruleset)" rules
	assert_no_match pnbr0 "$(ip -o link)" links
	assert_eq 0 "$(</proc/sys/net/ipv4/ip_forward)" forwarding
	assert_eq "$(netns_inode 1)" "$(session_network alice)" "alice's network"
	assert_eq '# edited' "$(tail -n 1 "$CONF")"
	[[ -n $(find /var/lib/pam-netns/leases -type l) ]]
}

test_deb_purge_leaves_nothing() {
	local left
	[[ $(package_state pam-netns) == *config-files ]] || package_install "$DEBS"
	dpkg --purge libpam-netns pam-netns >&2
	left=$(find /etc /usr /var /run -path /run/test-host -prune -o -path '*pam[-_]netns*' -print -prune)
	assert_eq "" "$left" left
	assert_eq "" "$(systemctl list-unit-files --no-legend 'pam-netns*')" "unit files"
}
