# shellcheck shell=bash
# The AppArmor profile against a trace of the helper.

PROFILE=$CHECKOUT/conf/apparmor/pam-netns-helper

# trace COMMAND…: which files it and its children open and change.
trace() {
	strace -f -qq -y -s 300 -o "$(mktemp -p "$OUT" trace.XXXXXX)" -e \
		'trace=execve,/^(clone|fork|vfork|open|mkdir|mknod|rename|unlink|rmdir|symlink|l?chown|chmod|fch).*' "$@" >&2
}

# uses: prints who (helper or nft), mode (r, w or x) and path of each file in a trace on standard input.
uses() {
	awk '
	{ pid = $1; sub(/^[0-9]+ +/, "") }
	sub(/ <unfinished \.\.\.>$/, "") { begun[pid] = $0; next }
	/^<\.\.\. / { sub(/^<\.\.\. [a-z0-9_]+ resumed>/, ""); $0 = begun[pid] $0 }
	/^execve\(.*= 0$/ {
		match($0, /"[^"]*"/)
		path = substr($0, RSTART + 1, RLENGTH - 2)
		if (who[pid]) print who[pid] " x " path
		if (path ~ /\/pam-netns-helper$/) who[pid] = "helper"
		if (who[pid] && path ~ /\/nft$/) who[pid] = "nft"
		next
	}
	!who[pid] || / = -1 / { next }
	/^(clone|clone3|fork|vfork)\(.* = [0-9]+$/ { who[$NF] = who[pid]; next }
	/O_PATH/ { next }
	/^open/ {
		if (!match($0, /<[^<>]*>$/)) next
		path = substr($0, RSTART + 1, RLENGTH - 2)
		print who[pid] (/O_WRONLY|O_RDWR|O_CREAT/ ? " w " : " r ") path (/O_DIRECTORY/ && path != "/" ? "/" : "")
		next
	}
	/^fch(mod|own)\(/ { if (match($0, /<[^<>]*>/)) print who[pid] " w " substr($0, RSTART + 1, RLENGTH - 2); next }
	{
		end = /^(mkdir|rmdir)|AT_REMOVEDIR/ ? "/" : ""
		sub(/^symlink(at)?\("[^"]*", /, "")
		while (match($0, /([0-9]+|AT_FDCWD)?(<[^<>]*>, )?"[^"]*"/)) {
			word = substr($0, RSTART, RLENGTH)
			$0 = substr($0, RSTART + RLENGTH)
			folder = match(word, /<[^<>]*>/) ? substr(word, RSTART + 1, RLENGTH - 2) "/" : ""
			gsub(/^[^"]*"|"$/, "", word)
			print who[pid] " w " (word ~ /^\// ? word : folder word) end
		}
	}' | sed 's,/\.$,/,' | LC_ALL=C sort -u | grep -E '^[a-z]+ . /'
}

# permitted WHO FROM TO: prints the file rules of a profile as patterns for what uses() prints.
permitted() {
	apparmor_parser --skip-cache -p "$PROFILE" 2>/dev/null | sed -n "/^ *profile $2 /,/^ *$3/p" |
		sed -nE 's/^ *(owner +)?([/@][^ ]*) +([a-zA-Z]+)( ->.*)?,( *#.*)?$/\3 \2/p' |
		sed -e 's,@{PROC},/proc,g; s,@{sys},/sys,g; s,@{pids\?},*,g; s,@{multiarch},*-linux-gnu*,g; s,@{etc_r[ow]},/etc,g; /@{/d' \
			-e 's/[.+]/\\&/g; s/{/(/g; s/}/)/g; s/,/|/g; s/\*\*/\x01/g; s/\*/[^\/]*/g; s/\x01/.*/g' |
		sed -E 's/^([a-zA-Z]+) /['"\\1"'] /; s/^/'"$1"' /'
}

# Of all traces.
uses_collect() {
	cat "$OUT"/trace.* | uses >"$OUT/uses"
	permitted '(helper|nft)' pam-netns-helper 'profile nft' >"$OUT/outer"
	permitted nft nft '}' >"$OUT/inner"
	[[ $(wc -l <"$OUT/outer") -gt 20 && $(wc -l <"$OUT/inner") -gt 20 ]]
}

# denied: prints the uses that the helper's profile does not permit.
denied() {
	grep -vxEf "$OUT/outer" "$OUT/uses" || :
}

denied_to_nft() {
	grep ^nft "$OUT/uses" | grep -vxEf "$OUT/inner" || :
}
