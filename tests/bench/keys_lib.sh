# shellcheck shell=bash
# For the scripts that measure keys, on the host.
conf=/etc/security/pam_netns.conf

# keys_set 'KEY = VALUE;...': the conf file as installed, with these lines instead of its own.
keys_set() {
	local line
	[[ -e /run/keys.conf ]] || cp "$conf" /run/keys.conf
	cp /run/keys.conf "$conf"
	tr ';' '\n' <<<"$1" | while IFS= read -r line; do
		sed -i "s|^${line%% *} = .*|$line|" "$conf"
		grep -qxF "$line" "$conf"
	done
}
