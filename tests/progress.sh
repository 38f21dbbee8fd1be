# shellcheck shell=sh
# The progress of a run, for scripts that source this. On a terminal the line is rewritten in place; in a log
# it appears at most every 30 s. Below tests/watch (PROGRESS=line) each change is a line that begins with
# "@ ". tests/watch shows it in one of these ways, or takes it as progress.

progress_last='' progress_time=0

# progress TEXT: for example "12 of 40, now lease_test".
progress() {
	[ "$1" != "$progress_last" ] || return 0
	if [ "${PROGRESS-}" = line ]; then
		printf '@ %s\n' "$1"
	elif [ -t 1 ]; then
		printf '\r\033[K%.*s' "${COLUMNS:-79}" "$1"
	elif [ "$(date +%s)" -ge $((progress_time + ${PROGRESS_EVERY:-30})) ]; then
		printf '%s\n' "$1"
		progress_time=$(date +%s)
	fi
	progress_last=$1
}

# Before anything else is printed.
progress_clear() {
	if [ "${PROGRESS-}" != line ] && [ -t 1 ]; then
		printf '\r\033[K'
	fi
	progress_last=''
}
