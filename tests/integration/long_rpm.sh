# shellcheck shell=bash
# systemd
# The RPM packages: what is in them, compared with Debian's, and their life on a host: installed, upgraded
# while a user is active, erased. rpmbuild and rpm are Debian's, so the packages are built with Debian's folder of
# PAM modules, and rpm gets --nodeps: its database knows no other package. `./bootstrap check-long` installs
# them.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

VERSION=$(sed -n 's/^VERSION *= *//p' "$CHECKOUT/Makefile")
UNITS=(pam-netns.service pam-netns-gc.timer pam-netns-gc.path pam-netns-resolv.path)
RPMS=$OUT/rpms

# The folder of pam_unix.so.
for MODULES in /usr/lib/*/security /usr/lib64/security; do
	[[ ! -e $MODULES/pam_unix.so ]] || break
done

# packages_build FOLDER [OPTION...]
packages_build() {
	"$CHECKOUT/rpm/make-rpm" "$1" --define "_pam_moduledir $MODULES" "${@:2}" >&2
}

setup() {
	local package
	make -s -C "$CHECKOUT" B=/srv/build uninstall >&2
	rm -r "$CONF" /var/lib/pam-netns
	logind_stops_managers_at_once
	packages_build "$RPMS"
	packages_build "$OUT/old" --define 'release 0' --define 'helper_cc gcc'
	for package in "$RPMS"/{lib,}pam-netns-"$VERSION"-1.*[!c].rpm; do
		[[ $package == *.src.rpm ]] || package_extract "$package" "$OUT/rpm"
	done
}

# package_extract PACKAGE FOLDER
package_extract() {
	mkdir -p "$2"
	rpm2cpio "$1" | (cd "$2" && cpio -idm --quiet)
}

# rpm_run VERB FOLDER: for both packages of the folder.
rpm_run() {
	rpm "$1" --nodeps --force-debian "$2"/libpam-netns-*[0-9].*.rpm "$(binary "$2")" >&2
}

# binary FOLDER: prints the path of pam-netns.
binary() {
	find "$1" -name 'pam-netns-[0-9]*.rpm' ! -name '*.src.rpm'
}

erase() {
	rpm -e --nodeps libpam-netns pam-netns
}

# installed: prints what the database has of ours.
installed() {
	rpm -qa --qf '%{NAME}-%{RELEASE}\n' '*pam-netns' | sort | xargs
}

# packages_in_use FOLDER: if no packages are installed, these are. The PAM stacks name the module, and the units
# are active.
packages_in_use() {
	[[ -n $(installed) ]] || rpm_run -i "$1"
	stacks_leave
	sed -i '$a session required pam_netns.so' /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive
	systemctl enable -q --now "${UNITS[@]}"
}

stacks_leave() {
	sed -i '/pam_netns\.so/d' /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive
}

# session_network USER: prints the inode of a new session's network.
session_network() {
	ssh_as "$1" -- stat -L -c %i /proc/self/ns/net
}

gone_after_gc() {
	pam-netns gc && host_is_clean
}

test_rpm_version_is_the_makefiles() {
	assert_eq "$VERSION" "$(rpm -qp --qf '%{VERSION}' "$(binary "$RPMS")")"
	assert_match " - $VERSION-1" "$(sed -n '/^%changelog/{n;p;}' "$CHECKOUT/rpm/pam-netns.spec")"
}

# Each filter in rpmlint.toml has its reason.
test_rpm_rpmlint_has_nothing_to_say() {
	local said
	said=$(rpmlint -c "$CHECKOUT/rpm/rpmlint.toml" "$RPMS"/*.rpm "$CHECKOUT/rpm/pam-netns.spec" 2>&1 | grep -E ': [EW]: |checked;')
	assert_match '^ 4 packages and 1 specfiles checked; 0 errors, 0 warnings,' "$said"
}

# tree DIR: prints mode and name of each file of ours that is no document, and of the state's folders. The
# packages compress manuals in different ways, rpm links programs by build-id, and zsh's folder has two names.
tree() {
	(cd "$1" && find . \( -path ./usr/share/doc -o -path ./usr/share/lintian -o -path ./usr/share/licenses -o \
		-path ./usr/lib/.build-id -o -path ./usr/share/pam-configs \) -prune -o \
		\( ! -type d -o -path './var/lib/*' \) -printf '%M %P %l\n') |
		sed -E 's,(man/man./[^ ]*)\.gz,\1,g; s,\.gz$,,; s, (usr/)?lib/, usr/lib/,; s,zsh/(vendor-completions|site-functions),zsh,' |
		LC_ALL=C sort -k 2
}

test_rpm_has_the_files_of_the_debian_packages() {
	local deb file
	"$CHECKOUT/debian/make-deb" "$OUT/debs" >&2
	for deb in "$OUT"/debs/{lib,}pam-netns_*.deb; do
		dpkg-deb -x "$deb" "$OUT/deb"
	done
	assert_same "$(tree "$OUT/deb")" "$(tree "$OUT/rpm")" files
	[[ $(tree "$OUT/rpm" | wc -l) -gt 30 ]]
	for file in etc/security/pam_netns.conf usr/libexec/pam-netns/removal-check usr/lib/tmpfiles.d/pam-netns.conf; do
		cmp "$OUT/deb/$file" "$OUT/rpm/$file"
	done
	assert_eq "/etc/security/pam_netns.conf" "$(rpm -qpc "$(binary "$RPMS")")" "conf files"
}

# The older packages have a helper that gcc and glibc made.
test_rpm_programs_are_hardened_with_both_c_libraries() {
	local root file
	package_extract "$(binary "$OUT/old")" "$OUT/glibc"
	for root in "$OUT/rpm" "$OUT/glibc"; do
		for file in $(find "$root" -name pam_netns.so) "$root"/usr/{libexec/pam-netns/pam-netns-{helper,enter},sbin/pam-netns}; do
			assert_match 'BIND_NOW|FLAGS_1\).*NOW' "$(readelf -dW "$file")" "$file"
			assert_match 'Build ID: [0-9a-f]{40}' "$(readelf -nW "$file")" "$file"
			assert_no_match '\.debug_info' "$(readelf -SW "$file")" "$file"
		done
		assert_no_match INTERP "$(readelf -lW "$root/usr/libexec/pam-netns/pam-netns-helper")"
	done
	assert_ne "$(stat -c %s "$OUT/rpm/usr/libexec/pam-netns/pam-netns-helper")" \
		"$(stat -c %s "$OUT/glibc/usr/libexec/pam-netns/pam-netns-helper")" "sizes of the helpers"
}

# An ordinary user builds it again: another folder, umask, time zone, locale, PATH.
test_rpm_is_reproducible() {
	local package
	mkdir -m 0777 "$OUT/again"
	as alice env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/games HOME=/home/alice TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 \
		sh -c "umask 0027 && TMPDIR=$OUT $CHECKOUT/rpm/make-rpm $OUT/again --define '_pam_moduledir $MODULES'" >&2
	assert_eq 4 "$(find "$RPMS" -name '*.rpm' | wc -l)" packages
	for package in "$RPMS"/*.rpm; do
		cmp "$package" "$OUT/again/${package##*/}"
	done
}

test_rpm_installation_changes_no_login_and_enables_no_unit() {
	local before
	before=$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward)
	rpm_run -i "$OUT/old"
	assert_eq "libpam-netns-0 pam-netns-0" "$(installed)" installed
	assert_eq "$(netns_inode 1)" "$(session_network alice)" "alice's network"
	assert_same "$before" "$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward)" host
	assert_eq "disabled disabled disabled disabled" "$(systemctl is-enabled "${UNITS[@]}" | xargs)" "enabled units"
	assert_eq "" "$(rpm -V --nodeps pam-netns libpam-netns)" changed
}

test_rpm_upgrade_keeps_active_users_and_the_conf_file() {
	local before
	packages_in_use "$OUT/old"
	hold_session first alice
	before=$(in_session first 'stat -L -c %i /proc/self/ns/net')
	assert_ne "$(netns_inode 1)" "$before" "alice's network"
	echo '# edited' >>"$CONF"
	rpm_run -U "$RPMS"
	assert_eq "libpam-netns-1 pam-netns-1" "$(installed)" installed
	assert_eq '# edited' "$(tail -n 1 "$CONF")"
	assert_eq "active active active active" "$(systemctl is-active "${UNITS[@]}" | xargs)" "active units"
	assert_eq "$before" "$(session_network alice)" "a new session's network"
	assert_eq "$before" "$(in_session first 'stat -L -c %i /proc/self/ns/net')" "the old session's network"
	in_session first 'curl -sf --max-time 10 http://198.51.100.1/' >&2
	end_session first
	wait_until 30 gone_after_gc
}

# T39: rpm goes on with the other package if one refuses. So both do.
test_t39_rpm_is_not_erased_while_in_use() {
	local said
	packages_in_use "$RPMS"
	said=$(assert_code 2 erase 2>&1)
	assert_match '  /etc/pam.d/common-session' "$said"
	assert_match 'libpam-netns: the package is not removed' "$said"
	assert_match $'\npam-netns: the package is not removed' "$said"
	assert_eq "libpam-netns-1 pam-netns-1" "$(installed)" installed
	assert_eq "active active active active" "$(systemctl is-active "${UNITS[@]}" | xargs)" "active units"
	assert_ne "$(netns_inode 1)" "$(session_network bob)" "bob's network"
	hold_session first alice
	stacks_leave
	assert_code_with 2 'pam-netns kick USER' erase
	assert_eq "libpam-netns-1 pam-netns-1" "$(installed)" installed
	end_session first
	wait_until 30 gone_after_gc
}

test_rpm_erasure_restores_the_host_and_keeps_data() {
	packages_in_use "$RPMS"
	stacks_leave
	grep -q '# edited' "$CONF" || echo '# edited' >>"$CONF"
	erase >&2
	assert_eq "" "$(installed)" installed
	assert_eq "" "$(systemctl --failed --no-legend --plain)" "failed units"
	assert_eq "" "$(systemctl list-unit-files --no-legend 'pam-netns*')" "unit files"
	assert_no_match pam_netns "$(nft list ruleset)" rules
	assert_no_match pnbr0 "$(ip -o link)" links
	assert_eq 0 "$(</proc/sys/net/ipv4/ip_forward)" forwarding
	assert_eq "$(netns_inode 1)" "$(session_network alice)" "alice's network"
	[[ $(tail -n 1 "$CONF.rpmsave") == '# edited' ]]
	[[ -d /var/lib/pam-netns/private ]]
	assert_eq "" "$(find /usr -name '*pam[-_]netns*')" "left in /usr"
}
