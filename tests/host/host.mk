# The throw-away host's own programs; `make -f tests/host/host.mk` builds them alone.
B ?= build
CC ?= cc
HOST_TOOLS  := $(patsubst tests/host/%.c,$B/tests/host-%,$(wildcard tests/host/*.c)) \
	$B/tests/host-rawsend $B/tests/storm $B/tests/pam_rename.so $B/tests/nss_fails.so
HOST_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -Wshadow

.PHONY: host-tools
host-tools: $(HOST_TOOLS)

$B/tests/host-%: tests/host/%.c
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) -o $@ $< -Wl,--as-needed -lpam -lpam_misc

$B/tests/host-rawsend: $(wildcard tests/host/rawsend/*.c) tests/host/rawsend/rawsend.h
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) -o $@ $(filter %.c,$^)

$B/tests/storm: $(wildcard tests/storm/*.c) tests/storm/storm.h
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) -o $@ $(filter %.c,$^) -lpam -lpthread

$B/tests/%.so: tests/host/module/%.c
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) -fPIC -shared -o $@ $< -lpam
