#!/bin/sh
# tests/lint.sh [--only NAME] [COMPILER FLAG...]: each linter over the whole tree; `make lint` gives
# the flags. A linter has passed if it prints nothing, and failed if it is not installed. Versions differ, so
# only Debian 12's count, and others are left out unless LINT=all.
set -u
cd "$(dirname "$0")/.." || exit 2
only=
if [ "${1:-}" = --only ]; then
	only=$2
	shift 2
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
jobs=$(nproc)
passed=0 failed=0 number=0
# shellcheck source=tests/progress.sh
. tests/progress.sh

# Only files that git would commit are linted, not build directories and ignored files.
files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" | sort -u |
		while IFS= read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
}

sources() {
	files 'lib/*.c' 'helper/*.c' 'pam_module/*.c' 'cli/*.c'
}

# The scripts whose first line names a shell.
scripts() {
	files | while IFS= read -r file; do
		case $(head -c 64 "$file" | tr -d '\0' | head -n 1) in
		'#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*) printf '%s\n' "$file" ;;
		esac
	done
}

# each COMMAND...: runs it once for each file of standard input, as many at once as there are CPUs.
each() {
	xargs -r -d '\n' -n 1 -P "$jobs" "$@"
}

lint_format() {
	files '*.c' '*.h' | xargs -r -d '\n' clang-format --dry-run -Werror
}

# clang-tidy needs the file before the flags, but xargs gives it last.
cat >"$work/tidy" <<'EOF'
#!/bin/sh
count=$#
for file; do :; done
for word; do
	count=$((count - 1))
	shift
	[ "$count" -eq 0 ] || set -- "$@" "$word"
done
clang-tidy --quiet "$file" -- "$@" 2>/dev/null
EOF
chmod +x "$work/tidy"
# clang, not gcc, takes the format of a function that has a va_list for an unchecked one.
lint_tidy() {
	sources | each "$work/tidy" "$@" -Wno-format-nonliteral
}

lint_cppcheck() {
	# memleak, resourceLeak: it does not know __attribute__((cleanup)).
	# invalidScanfArgType_int: gcc's -Wformat, which knows the types behind typedefs.
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j "$jobs" \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=memleak --suppress=resourceLeak --suppress=invalidScanfArgType_int \
		-D_GNU_SOURCE -Ilib lib helper pam_module cli
}

# A room of lib/ includes itself and those before it in this list.
lint_rooms() {
	allowed='' code=0
	for room in base conf rules net ns state call host; do
		allowed="$allowed|$room"
		files "lib/$room/*.[ch]" | xargs -d '\n' grep -HE '^#include "[a-z]+/' |
			grep -vE "#include \"(${allowed#|})/" && code=1
	done
	files 'lib/*.[ch]' | grep -vE "^lib/(${allowed#|})/" && code=1
	return $code
}

# Riddle words make a reader ask who or what is meant: name the user, the program, the packet.
# Tests have an account that is called nobody, and texts of other programs.
lint_english() {
	riddles='who(m)?ever|some(body|one)|(any|every)body'
	files 'lib/*' 'helper/*' 'pam_module/*' 'cli/*' 'conf/*' 'man/*' '*.md' |
		xargs -d '\n' grep -nEiw "$riddles|nobody" && return 1
	files 'tests/*' ':!tests/lint.sh' ':!tests/fuzz/corpus' ':!tests/unit/ruleset_foreign' |
		xargs -d '\n' grep -nEiwI "$riddles" && return 1
	return 0
}

# malloc-leak: gcc 12 does not follow pointers in an array that grows.
lint_analyzer() {
	sources | each "$compiler" "$@" -O2 -fanalyzer -Wno-analyzer-malloc-leak -Werror -c -o /dev/null
}

# unix.Malloc does not know __attribute__((cleanup)), and takes memory with it for leaked.
# Leaks are LeakSanitizer's to find, in unit tests and fuzzing.
lint_scan_build() {
	command -v scan-build || return 127
	# It checks what $CC compiles, so $CC must compile the helper too.
	# shellcheck disable=SC2016 # for the inner shell, which scan-build gives its own CC
	scan-build --status-bugs -o "$work/scan" -disable-checker unix.Malloc \
		sh -c '"${MAKE:-make}" -s -j "$1" B="$2" HELPER_CC="$CC" all' - "$jobs" "$work/build"
}

# Alpine has only musl, and its functions and headers are fewer.
lint_musl() {
	mkdir "$work/headers"
	for header in security cap-ng.h linux asm-generic; do
		ln -s "/usr/include/$header" "$work/headers"
	done
	ln -s "/usr/include/$(${CC:-cc} -dumpmachine)/asm" "$work/headers"
	sources | grep -v '^helper/sandbox/' | each musl-gcc "$@" -fsyntax-only -Werror -idirafter "$work/headers"
}

lint_shellcheck() {
	scripts | xargs -r -d '\n' shellcheck -x
}

# version_counts PROGRAM VERSION: the first number with a dot that it prints begins with that.
version_counts() {
	[ "${LINT-}" != all ] && command -v "$1" >/dev/null || return 0
	case $("$1" --version 2>/dev/null | grep -Eo '[0-9]+\.[0-9.]+' | head -n 1). in
	"$2".*) ;;
	*) return 1 ;;
	esac
}

# run NAME PROGRAM VERSION FLAG...
run() {
	name=$1 program=$2 version=$3
	shift 3
	[ -z "$only" ] || [ "$only" = "$name" ] || return 0
	if ! version_counts "$program" "$version"; then
		printf '%-12s left out: what counts is %s %s (LINT=all: any)\n' "$name" "$program" "$version"
		return 0
	fi
	number=$((number + 1))
	[ -n "$only" ] || progress "$number of $linters, now $name"
	start=$(date +%s)
	if ! command -v "$program" >/dev/null; then
		echo "$program is not installed" >"$work/log"
		code=127
	else
		"lint_$name" "$@" >"$work/log" 2>&1 </dev/null
		code=$?
	fi
	progress_clear
	if [ "$code" -eq 0 ]; then
		passed=$((passed + 1))
		result=passed
	else
		failed=$((failed + 1))
		result=failed
		cat "$work/log"
	fi
	printf '%-12s %s (%d s)\n' "$name" "$result" $(($(date +%s) - start))
}

compiler=${CC:-cc}
linters=$(grep -c '^run ' tests/lint.sh)
[ -n "$(files Makefile)" ] || { echo "lint: git names no files" >&2; exit 2; }
run format clang-format 14 # and all of LLVM
run tidy clang-tidy 14 "$@"
run cppcheck cppcheck 2.10
run analyzer "$compiler" 12 "$@"
run scan_build clang 14
run musl musl-gcc 12 "$@"
run shellcheck shellcheck 0
run rooms sed 4
run english grep 3
echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
