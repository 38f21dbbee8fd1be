# Tests. Unit tests run under ASan and UBSan; see tests/README for one test by hand.

SAN       = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CFLAGS = $(STANDARD) $(NL_CFLAGS) $(WARNINGS) -O1 -g $(SAN) -MMD -MP
SAN_LIB   := $(patsubst lib/%.c,$B/san/lib/%.o,$(wildcard lib/*.c))
UNIT      := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*_test.c))

$B/san/%.o: %.c
	$(call say,CC san,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -c -o $@ $<

$B/san/libpam_netns.a: $(SAN_LIB)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$B/unit/%: $B/san/tests/unit/%.o $B/san/libpam_netns.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) -o $@ $< $B/san/libpam_netns.a -linih -lnl-3 -lcap-ng -lcmocka

-include $(SAN_LIB:.o=.d) $(patsubst $B/unit/%,$B/san/tests/unit/%.d,$(UNIT))

## unit		unit tests (cmocka), each under ASan and UBSan
.PHONY: unit
unit: $(UNIT)
	@tests/unit/run $(UNIT)
