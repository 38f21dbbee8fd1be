# An image for "root = DIRECTORY": users have busybox as their only
# program. Run it as root: sh busybox-image.sh /srv/images/busybox
# The users' shell must be /bin/sh: usermod -s /bin/sh USER
set -eu
image=$1
umask 022

# Where logins mount the host's directories, the home and /tmp.
mkdir -p "$image/dev" "$image/proc" "$image/run" "$image/sys" \
	"$image/home" "$image/tmp" "$image/var/tmp"
chmod 1777 "$image/tmp" "$image/var/tmp"

# busybox must be a static program (package busybox-static).
mkdir -p "$image/usr/bin"
ln -sfn usr/bin "$image/bin"
cp "$(command -v busybox)" "$image/usr/bin/busybox"
for program in $(busybox --list); do
	[ "$program" = busybox ] ||
		ln -sf busybox "$image/usr/bin/$program"
done

# What logins mount over, and what PAM modules behind ours read.
mkdir -p "$image/etc/security"
touch "$image/etc/resolv.conf" "$image/etc/hosts" \
	"$image/etc/environment" "$image/etc/security/limits.conf" \
	"$image/etc/security/pam_env.conf"

# Names of users and groups, for ls and id.
getent passwd | sed 's/^\([^:]*\):[^:]*/\1:x/' >"$image/etc/passwd"
getent group | sed 's/^\([^:]*\):[^:]*/\1:x/' >"$image/etc/group"
