# shellcheck shell=bash
# Images for root = DIRECTORY.

# image_make DIRECTORY: one with busybox alone, which knows its own name. Users' shell must be /bin/sh.
image_make() {
	sh "$CHECKOUT/conf/examples/busybox-image.sh" "$1"
	echo "of ${1##*/}" >"$1/etc/name"
}

# image_add IMAGE PROGRAM [PATH]: a program of the host, with its libraries.
image_add() {
	local library
	install -D "$2" "$1${3:-$2}"
	for library in $(ldd "$2" | grep -o '/[^ ]*'); do
		install -D "$library" "$1$library"
	done
}

# image_set DIRECTORY
image_set() {
	conf_reset
	conf_set root "$1"
}
