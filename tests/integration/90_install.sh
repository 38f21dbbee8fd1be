# shellcheck shell=bash
# `make install`: paths, modes, linking and hardening; `make uninstall` and what it leaves. Most tests use a
# DESTDIR. The host itself has an installation too.

DEST=/run/test-host/dest
LIBEXEC=/usr/libexec/pam-netns
PAGES="man1/pam-netns-enter.1 man5/pam_netns.conf.5 man7/pam_netns.7 man8/pam-netns.8 man8/pam-netns-helper.8
	man8/pam_netns.8"
UNITS="pam-netns.service pam-netns-gc.service pam-netns-gc.timer pam-netns-gc.path
	pam-netns-resolv.path nftables.service.d/pam-netns.conf run-pam\x2dnetns-.mount.d/pam-netns.conf"

# product TARGET [VARIABLE=VALUE...]
product() {
	make -s -C "$CHECKOUT" B=/srv/build "$@" >&2
}

setup() {
	umask 077 # install does not depend on it
	product install DESTDIR="$DEST"
}

# The module is in the folder of pam_unix.so.
for MODULE in /usr/lib/*/security/pam_unix.so /usr/lib64/security/pam_unix.so; do
	[[ ! -e $MODULE ]] || break
done
MODULE=${MODULE%/*}/pam_netns.so

# mode_of PATH: prints type, mode and owner.
mode_of() {
	stat -c '%F %a %u:%g' "$1"
}

test_listed_paths_have_the_right_modes() {
	local path
	assert_eq "regular file 644 0:0" "$(mode_of "$DEST$MODULE")" module
	assert_eq "regular file 755 0:0" "$(mode_of "$DEST$LIBEXEC/pam-netns-helper")" helper
	assert_eq "regular file 4755 0:0" "$(mode_of "$DEST$LIBEXEC/pam-netns-enter")" enter
	assert_eq "regular file 755 0:0" "$(mode_of "$DEST$LIBEXEC/pam-netns-wait")" wait
	assert_eq "regular file 755 0:0" "$(mode_of "$DEST/usr/sbin/pam-netns")" command
	assert_eq "regular file 644 0:0" "$(mode_of "$DEST$CONF")" conf
	assert_eq "directory 755 0:0" "$(mode_of "$DEST/var/lib/pam-netns/leases")" leases
	assert_eq "directory 700 0:0" "$(mode_of "$DEST/var/lib/pam-netns/private")" private
	for path in $PAGES; do
		assert_eq "regular file 644 0:0" "$(mode_of "$DEST/usr/share/man/$path")" "$path"
	done
	for path in $UNITS; do
		assert_eq "regular file 644 0:0" "$(mode_of "$DEST/usr/lib/systemd/system/$path")" "$path"
	done
	for path in lib/tmpfiles.d/pam-netns.conf lib/sysctl.d/60-pam-netns.conf share/pam-configs/pam-netns; do
		assert_eq "regular file 644 0:0" "$(mode_of "$DEST/usr/$path")" "$path"
	done
}

test_no_other_file_is_installed_or_writable() {
	local files expected links zsh=site-functions
	[[ ! -e /etc/debian_version ]] || zsh=vendor-completions
	mapfile -t links < <(pam-netns --commands | sed 's/\t.*//; s/.*/pam-netns-&.8/')
	files=$(cd "$DEST" && find . ! -type d | sort)
	# shellcheck disable=SC2046,SC2086 # words
	expected=$(printf '%s\n' ".$MODULE" .$LIBEXEC/{pam-netns-{enter,helper,manager,wait},removal-check} ./usr/sbin/pam-netns \
		./usr/bin/pam-netns .$CONF ./usr/lib/tmpfiles.d/pam-netns.conf \
		./usr/lib/sysctl.d/60-pam-netns.conf ./usr/share/pam-configs/pam-netns \
		./usr/share/bash-completion/completions/pam-netns ./usr/share/zsh/$zsh/_pam-netns \
		$(cd "$CHECKOUT/conf/examples" && printf './usr/share/doc/pam-netns/examples/%s\n' * pam_netns.conf) \
		./usr/share/fish/vendor_completions.d/pam-netns.fish \
		./usr/share/pam-netns/{apparmor/pam-netns-helper,selinux/pam_netns.{fc,te}} "${links[@]/#/./usr/share/man/man8/}" |
		cat - <(printf './usr/share/man/%s\n' $PAGES) <(printf './usr/lib/systemd/system/%s\n' $UNITS) | sort)
	assert_same "$expected" "$files" "installed files"
	assert_eq "" "$(find "$DEST" ! -type l -perm /022)" "writable by others"
	assert_eq "$DEST$LIBEXEC/pam-netns-enter" "$(find "$DEST" -perm /6000)" setuid
	assert_eq "" "$(find "$DEST/usr" -type d ! -perm 0755)" "folders with another mode than 755"
}

# long_rpm.sh builds the packages, which takes minutes. debhelper and rpmbuild refuse a file that is in no package.
test_each_installed_file_is_in_an_rpm_package() {
	local path pattern
	sed -n '/^%files/,/^%changelog/s/^.*%{/%{/p; /^%files/,/^%changelog/s,^%dir /,/,p' "$CHECKOUT/rpm/pam-netns.spec" |
		sed -e 's,%{_pam_moduledir},'"${MODULE%/*}," -e 's,%{_mandir},/usr/share/man,' -e 's,%{_unitdir},/usr/lib/systemd/system,' \
			-e 's,%{_\(sysctl\|tmpfiles\)dir},/usr/lib/\1.d,' -e 's,%{_datadir},/usr/share,' -e 's,%{_sysconfdir},/etc,' \
			-e 's,%{_\(s\?bin\)dir},/usr/\1,' -e "s,%{libexec},$LIBEXEC," -e 's,zsh/site-functions,zsh/*,' >"$OUT/patterns"
	assert_eq "" "$(grep %{ "$OUT/patterns" || :)" "unknown macros"
	(cd "$DEST" && find . ! -type d ! -path './usr/share/pam-configs/*' -printf '/%P\n') | while read -r path; do
		while read -r pattern; do
			# shellcheck disable=SC2053 # a pattern
			[[ $path != $pattern && $path != $pattern/* ]] || continue 2
		done <"$OUT/patterns"
		echo "$path"
	done >"$OUT/missing"
	assert_eq "" "$(cat "$OUT/missing")" "in no package"
}

test_variables_of_make_choose_the_folders() {
	local dest=/run/test-host/elsewhere
	product install DESTDIR=$dest PREFIX=/opt/p SYSCONFDIR=/opt/etc PAMDIR=/opt/pam
	[[ -f $dest/opt/pam/pam_netns.so && -f $dest/opt/etc/security/pam_netns.conf ]]
	[[ -u $dest/opt/p/libexec/pam-netns/pam-netns-enter && -x $dest/opt/p/sbin/pam-netns ]]
	[[ -f $dest/opt/p/share/man/man8/pam_netns.8 ]]
	[[ ! -e $dest/usr && ! -e $dest/etc ]]
	product uninstall DESTDIR=$dest PREFIX=/opt/p SYSCONFDIR=/opt/etc PAMDIR=/opt/pam
	assert_eq "$dest/opt/etc/security/pam_netns.conf" "$(find $dest ! -type d)" "left"
}

# As on a system where systemd or nft are elsewhere, or sbin is a link to bin.
test_installation_follows_the_paths_of_other_systems() {
	local paths
	mkdir "$OUT/units"
	printf '#!/bin/sh\n[ "$*" != "--variable=systemdsystemunitdir systemd" ] || echo "%s"\n' "$OUT/units" >"$OUT/pkg-config"
	chmod 0755 "$OUT/pkg-config"
	product install DESTDIR="$OUT/dest" PKG_CONFIG="$OUT/pkg-config"
	[[ -f $OUT/dest$OUT/units/pam-netns-gc.service && ! -e $OUT/dest/usr/lib/systemd ]]
	mkdir -p "$OUT/merged/usr/bin"
	ln -s bin "$OUT/merged/usr/sbin"
	product install DESTDIR="$OUT/merged"
	[[ -f $OUT/merged/usr/bin/pam-netns && ! -L $OUT/merged/usr/bin/pam-netns && -L $OUT/merged/usr/sbin ]]
	cp -r "$CHECKOUT/lib" "$CHECKOUT/Makefile" "$CHECKOUT/tests" "$OUT"
	make -s -C "$OUT" NFT=/opt/bin/nft build/lib/rules/nft_path.o >&2
	paths=$(strings -d "$OUT/build/lib/rules/nft_path.o")
	assert_match '/opt/bin/nft' "$paths"
	assert_no_match '/usr/sbin/nft' "$paths"
}

test_edited_conf_is_kept_and_other_files_are_replaced() {
	echo "# mine" >>"$DEST$CONF"
	echo garbage >"$DEST/usr/sbin/pam-netns"
	product install DESTDIR="$DEST"
	assert_eq "# mine" "$(tail -n 1 "$DEST$CONF")"
	cmp "$DEST/usr/sbin/pam-netns" /srv/build/pam-netns
}

# A process that uses the old file while it is replaced keeps all of it.
test_programs_are_replaced_and_never_rewritten() {
	local before
	before=$(stat -c %i "$DEST$MODULE")
	exec 7<"$DEST$MODULE"
	product install DESTDIR="$DEST"
	assert_ne "$before" "$(stat -c %i "$DEST$MODULE")" inode
	cmp - /srv/build/pam_netns.so <&7
	assert_eq "" "$(find "$DEST" -name '*.new')" "temporary files"
}

# bootstrap installs only what its target needs, for instance no compiler of tests.
test_bootstrap_installs_what_its_target_needs() {
	local install demo check
	install=$("$CHECKOUT/bootstrap" --packages apt install)
	demo=$("$CHECKOUT/bootstrap" --packages apt demo B=build)
	check=$("$CHECKOUT/bootstrap" --packages apt)
	assert_eq 'gcc libc6-dev libcap-ng-dev libnl-route-3-dev libpam0g-dev libseccomp-dev make musl-tools nftables' \
		"$(xargs <<<"$install")"
	assert_match 'openssh-server' "$demo"
	assert_no_match 'clang|cmocka|shellcheck|strace' "$demo"
	assert_eq "" "$(comm -13 <(echo "$check") <(printf '%s\n' "$install" "$demo" | sort -u))" "check lacks"
	assert_match valgrind "$("$CHECKOUT/bootstrap" --packages apt valgrind)"
}

# Its last line says what changes for logins.
test_bootstrap_install_says_what_changes_for_logins() {
	local said
	host_pam_remove
	said=$("$CHECKOUT/bootstrap" install B=/srv/build)
	assert_match 'No PAM file names it yet, so no login changes.*pam-netns check' "$said"
	host_pam_install
	said=$("$CHECKOUT/bootstrap" install B=/srv/build)
	assert_match 'the next login through them uses this.*/etc/pam.d/common-session' "$said"
	assert_no_match 'No PAM file' "$said"
	host_pam_remove
	assert_no_match 'pam_netns is' "$("$CHECKOUT/bootstrap" install B=/srv/build DESTDIR="$DEST")"
}

test_command_is_in_the_path_of_users() {
	assert_match 'Usage: pam-netns' "$(ssh_as alice -- pam-netns --help)"
}

test_each_program_has_help() {
	assert_match '^Usage: pam-netns ' "$(pam-netns --help)"
	assert_match '^Usage: pam-netns-enter ' "$($LIBEXEC/pam-netns-enter --help)"
	assert_code_with 2 'pam-netns-helper\(8\)' $LIBEXEC/pam-netns-helper --help
}

test_module_exports_only_its_entry_points() {
	assert_same "$(printf '%s\n' pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred)" \
		"$(nm -D --defined-only "$MODULE" | awk '{ print $3 }' | sort)" "exported symbols"
}

# needed FILE: prints the first words of the shared objects that it needs, except libc's loader.
needed() {
	readelf -dW "$1" | sed -n '/\[ld-linux/d; s/.*(NEEDED).*\[\([a-z0-9-]*\)\.so[^]]*\]/\1/p' | sort | tr '\n' ' '
}

test_programs_link_only_known_libraries() {
	assert_eq "libc libpam " "$(needed "$MODULE")" module
	assert_eq "libc libcap-ng " "$(needed $LIBEXEC/pam-netns-enter)" enter
	assert_eq "" "$(needed $LIBEXEC/pam-netns-helper)" helper
	assert_eq "" "$(needed $LIBEXEC/pam-netns-wait)" wait
	assert_eq "libc libnl-3 libnl-route-3 " "$(needed /usr/sbin/pam-netns)" command
}

# The helper is static, and must not contain libc's name services.
test_helper_has_no_name_services() {
	assert_eq "" "$(nm $LIBEXEC/pam-netns-helper | awk '{ print $NF }' |
		grep -E '^(_*nss_|nscd_|getpwnam|getgrnam|gethostby|getservby)' | head -n 5 || :)"
}

test_programs_are_hardened() {
	local file header dynamic
	for file in "$MODULE" $LIBEXEC/pam-netns-{helper,enter,manager,wait} /usr/sbin/pam-netns; do
		header=$(readelf -hlW "$file")
		dynamic=$(readelf -dW "$file")
		assert_match 'Type: +DYN' "$header" "$file: position independent"
		assert_match GNU_RELRO "$header" "$file: RELRO"
		assert_match 'BIND_NOW|FLAGS_1\).*NOW' "$dynamic" "$file: BIND_NOW"
		assert_match 'GNU_STACK[ 0-9a-fx]+RW ' "$header" "$file: no executable stack"
		assert_no_match 'RWE' "$header" "$file: nothing both writable and executable"
		assert_no_match 'TEXTREL|RPATH|RUNPATH' "$dynamic" "$file"
		assert_match __stack_chk_fail "$(readelf -sW "$file")" "$file: stack protector"
		assert_match 'Build ID: [0-9a-f]{40}' "$(readelf -nW "$file")" "$file"
	done
	for file in "$MODULE" $LIBEXEC/pam-netns-enter /usr/sbin/pam-netns; do
		assert_match '__[a-z]+_chk@' "$(nm -D "$file")" "$file: _FORTIFY_SOURCE"
	done
}

# A builder's flags reach each compilation and each link, the helper's too, and follow ours.
test_builders_flags_are_honoured() {
	local commands program
	commands=$(make -s -n -B -C "$CHECKOUT" B=/nowhere Q= all CPPFLAGS='-DP -D_FORTIFY_SOURCE=3' CFLAGS=-Dc LDFLAGS=-Wl,-O1 |
		sed -e ':a' -e '/\\$/{N;s/\\\n[[:space:]]*//;ba' -e '}')
	assert_eq "" "$(grep -E ' -c -o ' <<<"$commands" | grep -vE ' -DP .* -Dc ' || :)" "compiled without the flags"
	assert_no_match _FORTIFY_SOURCE=2 "$commands"
	for program in pam_netns.so pam-netns-helper pam-netns-enter pam-netns-wait pam-netns-manager pam-netns; do
		assert_match '-Wl,-z,relro.* -Wl,-O1 ' "$(grep -E " -o /nowhere/$program " <<<"$commands")" "$program"
	done
}

test_setuid_program_is_short() {
	local lines
	lines=$(cat "$CHECKOUT"/helper/pam-netns-enter/*.[ch] | wc -l)
	((lines <= 300)) || fail "$lines lines"
	assert_eq "" "$(grep -lE 'getenv|getpw|getgr|secure_getenv' "$CHECKOUT"/helper/pam-netns-enter/* || :)"
}

test_manuals_have_no_groff_warnings() {
	local page output
	command -v groff >/dev/null || skip "groff is not installed"
	for page in $PAGES; do
		output=$(groff -ww -man -z -Tutf8 "$DEST/usr/share/man/$page" 2>&1)
		assert_eq "" "$output" "$page"
	done
}

test_each_subcommand_has_a_link_to_the_manual() {
	local name count=0
	for name in $(pam-netns --commands | cut -f 1); do
		assert_eq pam-netns.8 "$(readlink "$DEST/usr/share/man/man8/pam-netns-$name.8")" "$name"
		count=$((count + 1))
	done
	((count >= 10)) || fail "only $count subcommands"
}

# Each unit names an installed program.
test_units_name_installed_files() {
	local unit path
	for unit in $UNITS; do
		unit=$DEST/usr/lib/systemd/system/$unit
		assert_eq "" "$(grep -vE '^(#.*|\[[A-Z][A-Za-z]+\]|[A-Z][A-Za-z]+=.*|)$' "$unit" || :)" "$unit"
		[[ $unit == *.service.d/* ]] || grep -q '^\[Unit\]$' "$unit"
		path=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
		[[ -z $path || -x $DEST$path ]] || fail "$unit: $path"
		path=$(sed -n 's/^Unit=//p' "$unit")
		[[ -z $path || -f $DEST/usr/lib/systemd/system/$path ]] || fail "$unit: $path"
	done
	if command -v systemd-analyze >/dev/null; then
		assert_eq "" "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
			"$DEST"/usr/lib/systemd/system/pam-netns*.* 2>&1 | grep pam-netns | grep -v 'not executable' || :)"
	fi
}

test_uninstall_leaves_conf_and_data() {
	local left
	ln -s 2001 "$DEST/var/lib/pam-netns/leases/some-lease"
	mkdir -p "$DEST/var/lib/pam-netns/private/2001/var/tmp"
	echo kept >"$DEST/var/lib/pam-netns/private/2001/var/tmp/file"
	product uninstall DESTDIR="$DEST"
	left=$(cd "$DEST" && find . ! -type d | sort)
	assert_same "$(printf '%s\n' ".$CONF" ./var/lib/pam-netns/leases/some-lease \
		./var/lib/pam-netns/private/2001/var/tmp/file)" "$left" "left"
	[[ ! -e $DEST$LIBEXEC ]]
	product uninstall DESTDIR="$DEST" # a second uninstall is no error
}

# removal_refused PATTERN: uninstall refuses with this text, and removes nothing.
removal_refused() {
	local said
	said=$(assert_code 2 product uninstall DESTDIR="$DEST" 2>&1)
	assert_match "$1" "$said"
	assert_match 'Nothing was removed' "$said"
	[[ -e $DEST$MODULE && -e $DEST$LIBEXEC/pam-netns-helper ]]
}

# T39: the line is required, so without its module all logins fail.
test_t39_uninstall_is_refused_while_pam_names_the_module() {
	local file command
	product install DESTDIR="$DEST"
	mkdir -p "$DEST"/etc/pam.d "$DEST"/usr/lib/pam.d "$DEST"/var/lib/pam
	echo '# session required pam_netns.so' >"$DEST/etc/pam.d/comment"
	echo 'session required pam_netns.so' >"$DEST/etc/pam.d/common-session.dpkg-old"
	for file in /etc/pam.d/common-session /usr/lib/pam.d/login /etc/pam.conf; do
		printf 'session required pam_unix.so\n-session required\tpam_netns.so debug\n' >"$DEST$file"
		removal_refused "$file"
		command=$(assert_code 2 product uninstall DESTDIR="$DEST" 2>&1 | sed -n "s,^  sudo \(sed .*'\) /,\1 $DEST/,p")
		bash -c "$command"
		assert_eq 'session required pam_unix.so' "$(<"$DEST$file")"
	done
	printf 'Module: unix\nModule: pam-netns\n' >"$DEST/var/lib/pam/session"
	echo 'auth requisite pam_netns.so host' >"$DEST/etc/pam.d/su"
	removal_refused 'pam-auth-update --disable pam-netns'
	rm "$DEST/etc/pam.d/su"
	mkdir -p "$DEST/run/pam-netns/users/2001"
	echo end >"$DEST/run/pam-netns/users/2001/state"
	removal_refused 'pam-netns kick USER'
	product uninstall DESTDIR="$DEST" FORCE=yes
	[[ ! -e $DEST$MODULE && ! -e $DEST$LIBEXEC ]]
	rm -r "${DEST:?}"/run "$DEST"/etc/pam.d "$DEST"/etc/pam.conf "$DEST"/usr/lib/pam.d "$DEST"/var/lib/pam
}

# libpam reads files that only an include names, and continued lines.
test_t39_uninstall_reads_included_files() {
	local root=$OUT/included file command
	mkdir -p "$root/etc/pam.d/sub" "$root/etc/site" "$root/usr/lib/pam.d"
	for file in /etc/site/base /etc/pam.d/sub/a /etc/pam.d/.hidden /etc/pam.d/common.bak '/etc/pam.d/two words'; do
		printf 'session required pam_netns.so\n' >"$root$file"
		printf 'session [default=1] \\\n pam_x.so\nsession include %s\n' "${file#/etc/pam.d/}" >"$root/etc/pam.d/x"
		printf '@include x\n@include y\n' >"$root/etc/pam.d/y"
		assert_eq "$file" "$(/srv/checkout/conf/removal-check --files "$root")"
		rm "$root$file"
	done
	assert_code 0 /srv/checkout/conf/removal-check "$root"
	printf 'session required \\\n\tpam_netns.so # ours\n# \\\nsession required pam_netns.so\nsession required pam_unix.so\n' >"$root/etc/pam.d/x"
	command=$(assert_code 1 /srv/checkout/conf/removal-check "$root" 2>&1 | sed -n "s,^  sudo \(sed .*'\) /,\1 $root/,p")
	bash -c "$command"
	assert_eq $'# \\\nsession required pam_unix.so' "$(<"$root/etc/pam.d/x")"
	assert_code 0 /srv/checkout/conf/removal-check "$root"
	echo 'session required pam_netns.so' >"$root/etc/pam.d/x"
	assert_code 0 /srv/checkout/conf/removal-check --users "$root"
}

# authselect's files are behind symbolic links, which sed -i would replace.
test_removal_check_leaves_authselects_links_alone() {
	local said
	host_pam_remove
	mkdir /etc/authselect
	echo 'session required pam_netns.so' >/etc/authselect/password-auth
	ln -s /etc/authselect/password-auth /etc/pam.d/password-auth
	said=$(assert_code 1 /srv/checkout/conf/removal-check 2>&1)
	assert_match '  /etc/pam.d/password-auth.*  sudo authselect select PROFILE' "$said"
	assert_no_match 'sudo sed' "$said"
	echo 'session required pam_netns.so' >/etc/pam.d/netns-try
	said=$(assert_code 1 /srv/checkout/conf/removal-check 2>&1)
	assert_match "sudo authselect select PROFILE.*sudo sed -i '[^']*' /etc/pam.d/netns-try" "$said"
	assert_no_match 'sed .*password-auth' "$said"
	rm -r /etc/authselect /etc/pam.d/{password-auth,netns-try}
	assert_code 0 /srv/checkout/conf/removal-check
}

# The host's stacks name the module: uninstall is refused, and logins go on.
test_t39_uninstall_on_a_host_in_use_is_refused() {
	local said
	host_pam_install
	said=$(assert_code 2 product uninstall 2>&1)
	assert_match '  /etc/pam.d/' "$said"
	assert_ne "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	wait_until 15 host_is_clean
}

# README's order: PAM's line, down, uninstall. This is the last test, since it ends the installation.
test_z_removal_restores_the_host() {
	local before after left name
	host_pam_remove
	pam-netns down
	before=$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward)
	host_pam_install
	ssh_as alice -- true
	[[ -n $(ip link show pnbr0) ]]
	wait_until 15 host_is_clean
	host_pam_remove
	pam-netns down
	product uninstall
	after=$(nft list ruleset; ip -o link | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward)
	assert_same "$before" "$after" "the host's network"
	assert_eq "" "$(find /run/netns /run/pam-netns/{pins,users} -mindepth 1 2>/dev/null || :)"
	assert_no_match pam.netns "$(cat /proc/self/mounts)" mounts
	# README names all that is left.
	left=$(find /etc /usr /var /run -path /run/test-host -prune -o -path '*pam[-_]netns*' -print -prune 2>/dev/null | sort | xargs)
	assert_eq '/etc/security/pam_netns.conf /run/pam-netns /var/lib/pam-netns' "$left" "left"
	for name in $left /run/netns /run/user; do
		grep -q "^|.*\`$name\`" "$CHECKOUT/README.md" || fail "$name stays, and README does not say so"
	done
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	[[ -f $CONF && -d /var/lib/pam-netns/leases ]]
	[[ ! -e $MODULE && ! -e $LIBEXEC ]]
}
