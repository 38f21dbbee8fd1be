# pam_netns: `make`, `make check`, `make install`. `make help` lists the targets.

PREFIX     ?= /usr
PKG_CONFIG ?= pkg-config
SYSCONFDIR ?= /etc
DESTDIR    ?=
LIBEXECDIR  = $(PREFIX)/libexec/pam-netns
MANDIR      = $(PREFIX)/share/man
EXAMPLESDIR = $(PREFIX)/share/doc/pam-netns/examples
# systemd's own, if it says one: Debian 12's /lib is /usr/lib.
UNITDIR    ?= $(or $(if $(filter /usr,$(PREFIX)),$(realpath \
	$(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null))),$(PREFIX)/lib/systemd/system)
NFTABLES_DROPIN = $(UNITDIR)/nftables.service.d
# systemd's escape of the dash.
MOUNTS_DROPIN = $(UNITDIR)/run-pam\x2dnetns-.mount.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSCTLDIR  ?= $(PREFIX)/lib/sysctl.d
PAMCONFIGSDIR ?= $(PREFIX)/share/pam-configs
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
# zsh's folder for completions of packages; Debian's has another name.
ZSHDIR     ?= $(PREFIX)/share/zsh/$(if $(wildcard /etc/debian_version),vendor-completions,site-functions)
FISHDIR    ?= $(PREFIX)/share/fish/vendor_completions.d
# Policies that the administrator may load; no installation does.
POLICYDIR  ?= $(PREFIX)/share/pam-netns
# Where pam_unix.so is.
PAMDIR     ?= $(firstword $(patsubst %/pam_unix.so,%,$(wildcard \
	/usr/lib/$(shell $(CC) -dumpmachine 2>/dev/null)/security/pam_unix.so \
	/lib/$(shell $(CC) -dumpmachine 2>/dev/null)/security/pam_unix.so \
	/usr/lib64/security/pam_unix.so /lib64/security/pam_unix.so \
	/usr/lib/security/pam_unix.so /lib/security/pam_unix.so)) /usr/lib/security)

CC       ?= cc
# For pam-netns-helper alone; HELPER_CC=cc makes a static one with this system's own C library.
HELPER_CC ?= musl-gcc
# nft, if it is in none of /usr/sbin, /sbin and /usr/bin.
NFT       ?=
VERSION   = 0.1.0
B         = build

WARNINGS  = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	    -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
HARDENING = -fstack-protector-strong -fstack-clash-protection -fPIC \
	    $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-D_FORTIFY_SOURCE=2)
CFLAGS   ?= -O2 -g
# libnl-route-3: for the command and tests alone.
NL_CFLAGS ?= $(patsubst -I%,-isystem %,$(or $(shell $(PKG_CONFIG) --cflags libnl-route-3.0 2>/dev/null),\
	     -I/usr/include/libnl3))
NL_LIBS   ?= $(or $(shell $(PKG_CONFIG) --libs libnl-route-3.0 2>/dev/null),-lnl-route-3 -lnl-3)
STANDARD  = -std=gnu11 -D_GNU_SOURCE -Ilib -DVERSION='"$(VERSION)"' \
	    -DSYSCONF_DIR='"$(SYSCONFDIR)"' -DLIBEXEC_DIR='"$(LIBEXECDIR)"' \
	    $(if $(NFT),-DNFT_PATH='"$(NFT)"')
ALL_CFLAGS = $(STANDARD) $(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS) -MMD -MP
RELRO     = -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections -Wl,--build-id
# CPPFLAGS, CFLAGS and LDFLAGS are the builder's, for the helper too.
LINK      = $(RELRO) $(CFLAGS) $(LDFLAGS)
ALL_CFLAGS += -ffunction-sections -fdata-sections

# Q= shows whole commands.
Q = @
comma = ,
say = @echo "  $(1)	$(2)";

MUSL := $(shell $(HELPER_CC) -v 2>&1 | sed -n 's,^Reading specs from \(.*\)/musl-gcc.specs$$,\1,p')

LIB_OBJS    := $(patsubst %.c,$B/%.o,$(wildcard lib/*/*.c))
MODULE_OBJS := $(patsubst %.c,$B/%.o,$(wildcard pam_module/*.c))
HELPER_OBJS := $(patsubst %.c,$B/helper/%.o,$(wildcard helper/pam-netns-helper/*.c helper/pam-netns-helper/resources/*.c))
HELPER_OBJS := $(if $(MUSL),$(HELPER_OBJS),$(filter-out %/memory.o,$(HELPER_OBJS)))
ENTER_OBJS  := $(patsubst %.c,$B/%.o,$(wildcard helper/pam-netns-enter/*.c))
CLI_OBJS    := $(patsubst %.c,$B/%.o,$(wildcard cli/*.c cli/doctor/*.c))
WAIT_OBJS   := $B/helper/helper/pam-netns-wait/wait.o
MANAGER_OBJS := $B/helper/helper/pam-netns-manager/manager.o
PROGRAMS    := $B/pam_netns.so $B/pam-netns-helper $B/pam-netns-enter $B/pam-netns-wait $B/pam-netns-manager $B/pam-netns

# The subcommands, of the table in cli/main.c.
COMMANDS    := $(shell sed -n 's/^    {"\([a-z-]*\)", command_.*/\1/p' cli/main.c)
# The shipped file is among them, because the admin edits the installed one.
EXAMPLES    := $(wildcard conf/examples/*) conf/pam_netns.conf
MANPAGES    := $(notdir $(wildcard man/*.[158]) $(basename $(wildcard man/*.in)))
.PHONY: all
all: $(PROGRAMS) $(addprefix $B/man/,$(MANPAGES))

$B/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

HELPER_LIB_OBJS := $(LIB_OBJS:$B/%=$B/helper/%)
$B/libpam_netns.a: $(LIB_OBJS)
$B/helper/libpam_netns.a: $(HELPER_LIB_OBJS)
%/libpam_netns.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

# Runs in sshd, login, su, cron: Linux-PAM and libc.
$B/pam_netns.so: $(MODULE_OBJS) $B/libpam_netns.a pam_module/exports.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(LINK) -Wl,--version-script=pam_module/exports.map -Wl,-z,defs \
		-o $@ $(MODULE_OBJS) $B/libpam_netns.a -lpam

# Runs as root, started for each login: static, because process start is a third of a login; see
# HACKING, decision 6. musl-gcc's specs know nothing of static-pie, nor of the kernel's headers, which
# lie among this system's libc's.
MUSL_PIE   = -nostartfiles $(MUSL)/rcrt1.o -Wl,-static,-pie,--no-dynamic-linker,-z,text
STATIC_PIE = $(if $(MUSL),$(MUSL_PIE),-static-pie)
HELPER_CFLAGS = $(ALL_CFLAGS) $(if $(MUSL),-idirafter $B/kernel)
define helper_link
$(call say,LD,$@)
$(Q)$(HELPER_CC) $(STATIC_PIE) $(LINK) -o $@ $(filter %.o %.a,$^)
endef

$B/kernel:
	@command -v $(HELPER_CC) >/dev/null || \
		{ echo "no $(HELPER_CC): ./bootstrap installs it, or make HELPER_CC=cc" >&2; exit 1; }
	@rm -rf $@.new && mkdir -p $@.new
	@ln -s /usr/include/linux /usr/include/asm-generic \
		$(firstword $(wildcard /usr/include/$(shell $(CC) -dumpmachine)/asm /usr/include/asm)) $@.new
	@mv $@.new $@

$B/helper/%.o: %.c | $B/kernel
	$(call say,HELPER_CC,$<)
	@mkdir -p $(@D)
	$(Q)$(HELPER_CC) $(HELPER_CFLAGS) -c -o $@ $<

# memory.c, in front of musl's allocator.
POOL = $(if $(MUSL),-Wl$(comma)--wrap=malloc$(comma)--wrap=calloc$(comma)--wrap=realloc$(comma)--wrap=free)
# The kernel maps up to 64 KiB of a file at one page fault, between two multiples of 64 KiB. So the segments
# begin at such a multiple. For --sort-section see lib/base/large.h. For mold, which reads no such file: LAYOUT=
LAYOUT = helper/pam-netns-helper/layout.ld
$B/pam-netns-helper $B/strict/pam-netns-helper $B/unlocked/pam-netns-helper: \
	RELRO += $(POOL) -Wl,--sort-section=name -Wl,-z,max-page-size=65536 $(addprefix -Wl$(comma)-T$(comma),$(LAYOUT))
$B/pam-netns-helper $B/strict/pam-netns-helper $B/unlocked/pam-netns-helper: $(LAYOUT)
$B/pam-netns-helper: $(HELPER_OBJS) $B/helper/libpam_netns.a
	$(helper_link)

$B/sandbox/generate: helper/sandbox/generate.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lseccomp

$B/sandbox/sandbox_filter.h: $B/sandbox/generate
	$(call say,GEN,$@)
	$(Q)$< >$@.new && mv $@.new $@

$B/helper/helper/pam-netns-helper/sandbox.o: $B/sandbox/sandbox_filter.h
$B/helper/helper/pam-netns-helper/sandbox.o: ALL_CFLAGS += -I$B/sandbox

# For tests: a system call that is not on the list ends this helper.
.PHONY: strict
strict: $B/strict/pam-netns-helper

$B/strict/sandbox_filter.h: $B/sandbox/generate
	@mkdir -p $(@D)
	$(Q)$< kill >$@.new && mv $@.new $@

$B/strict/sandbox.o: helper/pam-netns-helper/sandbox.c $B/strict/sandbox_filter.h | $B/kernel
	$(Q)$(HELPER_CC) $(HELPER_CFLAGS) -I$B/strict -c -o $@ $<

$B/strict/pam-netns-helper: $(filter-out %/sandbox.o,$(HELPER_OBJS)) $B/strict/sandbox.o $B/helper/libpam_netns.a
	$(helper_link)

# For tests: this helper knows no kernel's lock of bridge ports, as if the kernel had none.
.PHONY: unlocked
unlocked: $B/unlocked/pam-netns-helper

$B/unlocked/port.o: lib/net/port.c | $B/kernel
	@mkdir -p $(@D)
	$(Q)$(HELPER_CC) $(HELPER_CFLAGS) -DPORT_LOCKED=IFLA_BRPORT_UNSPEC -c -o $@ $<

$B/unlocked/pam-netns-helper: $(HELPER_OBJS) $B/unlocked/port.o $B/helper/libpam_netns.a
	$(helper_link)

# Setuid: nothing of ours but its own file; libc and libcap-ng.
$B/pam-netns-enter: $(ENTER_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(LINK) -o $@ $(ENTER_OBJS) -lcap-ng

# Static, because it starts in the user's mount namespace.
$B/pam-netns-wait: $(WAIT_OBJS)
	$(helper_link)
# Static, because a user may choose its environment.
$B/pam-netns-manager: $(MANAGER_OBJS) $B/helper/libpam_netns.a
	$(helper_link)

$B/cli/kernel.o: ALL_CFLAGS += $(NL_CFLAGS)
$B/pam-netns: $(CLI_OBJS) $B/libpam_netns.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(LINK) -o $@ $(CLI_OBJS) $B/libpam_netns.a $(NL_LIBS)

-include $(LIB_OBJS:.o=.d) $(HELPER_LIB_OBJS:.o=.d) $(MODULE_OBJS:.o=.d) $(HELPER_OBJS:.o=.d) $(ENTER_OBJS:.o=.d) $(WAIT_OBJS:.o=.d) $(MANAGER_OBJS:.o=.d) $(CLI_OBJS:.o=.d)

include tests/tests.mk

$B/man/%: man/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Parts of these manuals are the table of the conf file's keys, and the examples.
$B/man/%: man/%.in man/keys.awk $B/pam-netns $(wildcard conf/examples/*)
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$B/pam-netns --keys >$@.keys
	$(Q)awk -f man/keys.awk $@.keys $< >$@.new && mv $@.new $@

# Installing. An edited conf file is kept; PAM's own stacks are the admin's (see README).
INSTALL ?= install

.PHONY: install uninstall
## install	all programs, manuals, units; DESTDIR=, PREFIX=/usr, SYSCONFDIR=/etc, PAMDIR=
install: all
	$(INSTALL) -d -m 0755 $(DESTDIR)$(PAMDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PREFIX)/sbin \
		$(DESTDIR)$(SYSCONFDIR)/security $(DESTDIR)$(UNITDIR) $(DESTDIR)$(TMPFILESDIR) \
		$(DESTDIR)$(SYSCTLDIR) $(DESTDIR)$(PAMCONFIGSDIR) \
		$(addprefix $(DESTDIR),$(BASHDIR) $(ZSHDIR) $(FISHDIR) $(EXAMPLESDIR) $(POLICYDIR)/apparmor $(POLICYDIR)/selinux) \
		$(DESTDIR)/var/lib/pam-netns $(DESTDIR)/var/lib/pam-netns/leases \
		$(addprefix $(DESTDIR)$(MANDIR)/,man1 man5 man7 man8)
	$(INSTALL) -d -m 0700 $(DESTDIR)/var/lib/pam-netns/private
# Written beside and renamed: a running login keeps the old file, the next one gets the new.
	$(call place,0644,$B/pam_netns.so,$(PAMDIR)/pam_netns.so)
	$(call place,0755,$B/pam-netns-helper,$(LIBEXECDIR)/pam-netns-helper)
	$(call place,4755,$B/pam-netns-enter,$(LIBEXECDIR)/pam-netns-enter)
	$(call place,0755,$B/pam-netns-wait,$(LIBEXECDIR)/pam-netns-wait)
	$(call place,0755,$B/pam-netns-manager,$(LIBEXECDIR)/pam-netns-manager)
	$(call place,0755,$B/pam-netns,$(PREFIX)/sbin/pam-netns)
	$(call place,0755,conf/removal-check,$(LIBEXECDIR)/removal-check)
# Users run it too, and Debian's users have no sbin in their PATH. Where bin and sbin are one: nothing.
	@$(INSTALL) -d -m 0755 $(DESTDIR)$(PREFIX)/bin
	@[ $(DESTDIR)$(PREFIX)/bin/pam-netns -ef $(DESTDIR)$(PREFIX)/sbin/pam-netns ] || \
		ln -sf ../sbin/pam-netns $(DESTDIR)$(PREFIX)/bin/pam-netns
	@if [ -e $(DESTDIR)$(SYSCONFDIR)/security/pam_netns.conf ]; then \
		echo "  KEEP	$(SYSCONFDIR)/security/pam_netns.conf"; else \
		$(INSTALL) -m 0644 conf/pam_netns.conf $(DESTDIR)$(SYSCONFDIR)/security/pam_netns.conf; fi
	$(INSTALL) -m 0644 conf/pam-netns-gc.service conf/pam-netns-gc.timer conf/pam-netns-gc.path \
		conf/pam-netns.service conf/pam-netns-resolv.path $(DESTDIR)$(UNITDIR)/
	$(INSTALL) -d -m 0755 $(DESTDIR)$(NFTABLES_DROPIN) '$(DESTDIR)$(MOUNTS_DROPIN)'
	$(INSTALL) -m 0644 conf/nftables-service.conf $(DESTDIR)$(NFTABLES_DROPIN)/pam-netns.conf
	$(INSTALL) -m 0644 conf/mounts.conf '$(DESTDIR)$(MOUNTS_DROPIN)/pam-netns.conf'
	$(INSTALL) -m 0644 conf/tmpfiles.conf $(DESTDIR)$(TMPFILESDIR)/pam-netns.conf
	$(INSTALL) -m 0644 conf/sysctl.conf $(DESTDIR)$(SYSCTLDIR)/60-pam-netns.conf
	$(INSTALL) -m 0644 conf/pam-configs $(DESTDIR)$(PAMCONFIGSDIR)/pam-netns
	$(INSTALL) -m 0644 $(EXAMPLES) $(DESTDIR)$(EXAMPLESDIR)/
	$(INSTALL) -m 0644 conf/completions/pam-netns.bash $(DESTDIR)$(BASHDIR)/pam-netns
	$(INSTALL) -m 0644 conf/completions/_pam-netns $(DESTDIR)$(ZSHDIR)/
	$(INSTALL) -m 0644 conf/completions/pam-netns.fish $(DESTDIR)$(FISHDIR)/
	$(INSTALL) -m 0644 conf/apparmor/pam-netns-helper $(DESTDIR)$(POLICYDIR)/apparmor/
	$(INSTALL) -m 0644 conf/selinux/pam_netns.te conf/selinux/pam_netns.fc $(DESTDIR)$(POLICYDIR)/selinux/
	@for page in $(MANPAGES); do \
		$(INSTALL) -m 0644 $B/man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
# `man pam-netns-up` and `man pam-netns up`.
	@for command in $(COMMANDS); do \
		ln -sf pam-netns.8 $(DESTDIR)$(MANDIR)/man8/pam-netns-$$command.8; done

place = $(INSTALL) -m $(1) $(2) $(DESTDIR)$(3).new && mv -f $(DESTDIR)$(3).new $(DESTDIR)$(3)

## uninstall	removes what install put there, but the conf file, leases and kept directories
# Refused while PAM files name the module: every login would fail. FORCE=yes removes it all the same.
uninstall:
	@conf/removal-check '$(DESTDIR)' || [ '$(FORCE)' = yes ] || \
		{ echo "Nothing was removed. 'make uninstall FORCE=yes' removes it all the same." >&2; exit 1; }
	rm -f $(DESTDIR)$(PAMDIR)/pam_netns.so \
		$(addprefix $(DESTDIR)$(PREFIX)/,bin/pam-netns sbin/pam-netns) \
		$(addprefix $(DESTDIR)$(LIBEXECDIR)/,pam-netns-helper pam-netns-enter pam-netns-wait pam-netns-manager \
			removal-check) \
		$(addprefix $(DESTDIR)$(UNITDIR)/,pam-netns-gc.service pam-netns-gc.timer \
			pam-netns-gc.path pam-netns.service pam-netns-resolv.path) \
		$(DESTDIR)$(NFTABLES_DROPIN)/pam-netns.conf '$(DESTDIR)$(MOUNTS_DROPIN)/pam-netns.conf' \
		$(DESTDIR)$(TMPFILESDIR)/pam-netns.conf $(DESTDIR)$(SYSCTLDIR)/60-pam-netns.conf \
		$(DESTDIR)$(PAMCONFIGSDIR)/pam-netns $(DESTDIR)$(BASHDIR)/pam-netns \
		$(DESTDIR)$(ZSHDIR)/_pam-netns $(DESTDIR)$(FISHDIR)/pam-netns.fish \
		$(addprefix $(DESTDIR)$(POLICYDIR)/,apparmor/pam-netns-helper selinux/pam_netns.te selinux/pam_netns.fc) \
		$(addprefix $(DESTDIR)$(EXAMPLESDIR)/,$(notdir $(EXAMPLES)))
	@for page in $(MANPAGES) $(COMMANDS:%=pam-netns-%.8); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	@rmdir '$(DESTDIR)$(MOUNTS_DROPIN)' $(addprefix $(DESTDIR),$(LIBEXECDIR) $(NFTABLES_DROPIN) $(EXAMPLESDIR) $(dir $(EXAMPLESDIR)) \
		$(addprefix $(POLICYDIR),/apparmor /selinux) $(POLICYDIR)) 2>/dev/null || true

## deb		Debian packages in build/deb, from a copy of the tree
.PHONY: deb
deb:
	@debian/make-deb $B/deb

## rpm		RPM packages in build/rpm, from a copy of the tree
.PHONY: rpm
rpm:
	@rpm/make-rpm $B/rpm

.PHONY: clean help
clean:
	rm -rf $B

help:
	@grep -hE '^## ' Makefile tests/*.mk tests/*/*.mk | sed 's/^## /  make /'
