# leadpipe: GNU make. Everything is built under $(B); sources are found by wildcard, header
# dependencies are generated, and a change of flags rebuilds. `make help` lists the targets.
VERSION := 0.1.0
B       ?= build
# The generated dependencies name their targets as $(B) is written.
override B := $(patsubst %/,%,$(B))
CC      ?= gcc
OPT     ?= -O2
PREFIX  ?= /usr/local
PROGRAM_PREFIX ?=
DESTDIR ?=
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
CFLAGS  ?= $(OPT) -g
ALLCFLAGS := -std=c11 -D_GNU_SOURCE -Iinclude -fstack-protector-strong $(WARN) \
             -DLP_VERSION='"$(VERSION)"' -DLP_PREFIX='"$(PREFIX)"' $(CFLAGS)

PKGS    := libcurl openssl sqlite3 libcares libidn2 libpsl uchardet
PKGLIBS := $(or $(shell pkg-config --libs $(PKGS) 2>/dev/null),\
             -lcurl -lssl -lcrypto -lsqlite3 -lcares -lidn2 -lpsl -luchardet)
# libjq and libcsv come without a .pc file.
LDLIBS  := -Wl,--as-needed $(PKGLIBS) -ljq -lcsv -lxxhash -lunistring -lz -lm -lpthread
ALLLDFLAGS := -Wl,-z,relro,-z,now $(LDFLAGS)

LIBSRC  := $(wildcard lib/*/*.c)
LISTS   := disposable free popular role
LIBOBJ  := $(LIBSRC:%.c=$(B)/%.o) $(B)/gen/lists_data.o
CMDSRC  := $(wildcard cmd/*.c)
PROGRAMS := $(CMDSRC:cmd/%.c=%)
BINS    := $(PROGRAMS:%=$(B)/bin/%)
UNITSRC := $(wildcard tests/unit/*/*.c)
UNITS   := $(UNITSRC:tests/unit/%.c=$(B)/unit/%)
TESTPROGSRC := $(wildcard tests/programs/*.c)
TESTPROGS := $(TESTPROGSRC:%.c=$(B)/%)
FUZZSRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZERS := $(FUZZSRC:tests/fuzz/%_fuzz.c=$(B)/fuzzer/%)
REPLAYS := $(FUZZSRC:tests/fuzz/%_fuzz.c=$(B)/replay/%)
BENCHSRC := $(wildcard tests/bench/*.c tests/bench/*/*.c)
BENCHES := $(BENCHSRC:tests/bench/%.c=$(B)/bench/%)
SHIPPED := providers schemas lists reports

all: $(BINS)                    ## build the programs into $(B)/bin

# The stamp changes only when the flags do; every object and program depends on it.
FLAGS := $(CC) $(ALLCFLAGS) | $(ALLLDFLAGS) $(LDLIBS)
$(B)/.flags: force
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm -f $@.$$$$; else mv $@.$$$$ $@; fi

$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(WERROR) -MMD -MP -c -o $@ $<

# The shipped lists become tables of the library: start-up reads no file.
$(B)/gen/lists_data.c: lib/lists/table.awk $(LISTS:%=lib/lists/%.txt)
	@mkdir -p $(@D)
	for l in $(LISTS); do sed -e '/^#/d' -e "s/^/$$l /" lib/lists/$$l.txt; done | \
	  LC_ALL=C sort -u | LC_ALL=C awk -f lib/lists/table.awk >$@.new && mv $@.new $@

$(B)/gen/%.o: $(B)/gen/%.c $(B)/.flags
	$(CC) $(ALLCFLAGS) $(WERROR) -MMD -MP -c -o $@ $<

# The list of members is a prerequisite too, so that a module taken away leaves the archive.
$(B)/.members: force
	@mkdir -p $(@D); printf '%s\n' $(LIBSRC) >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm -f $@.$$$$; else mv $@.$$$$ $@; fi

$(B)/libleadpipe.a: $(LIBOBJ) $(B)/.members
	rm -f $@ && ar rcs $@ $(LIBOBJ)

$(B)/bin/%: $(B)/cmd/%.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a $(LDLIBS)

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a -lcmocka $(LDLIBS)

$(B)/tests/programs/%: $(B)/tests/programs/%.o $(B)/libleadpipe.a
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a $(LDLIBS)

$(B)/fuzzer/%: $(B)/tests/fuzz/%_fuzz.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -fsanitize=fuzzer $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a $(LDLIBS)

# The fuzz targets without libFuzzer, to replay seeds and finds.
$(B)/replay/%: $(B)/tests/fuzz/%_fuzz.o $(B)/tests/fuzz/replay.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(B)/bench/%: $(B)/tests/bench/%.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a $(LDLIBS)

units: $(UNITS) $(REPLAYS) $(TESTPROGS)    ## build the unit tests and the programs of the test scripts
fuzzers: $(FUZZERS)

# --- tests ----------------------------------------------------------------------------------------
# A number too large for its type is no part of `undefined`. LP_TEST_ALLOC: LEADPIPE_FAIL_ALLOC=N lets
# the N-th allocation find no memory (tests/crash/alloc.py).
UB  := undefined,float-cast-overflow
SAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,$(UB) -fno-sanitize-recover=$(UB) -DLP_TEST_ALLOC
SAN_SUITES ?= units golden scripts
# Leaks are the sanitizers' matter; what valgrind adds is the use of what was never set.
VG  := valgrind -q --error-exitcode=99

check: all units                ## units, golden cases, test scripts, lint, behaviours
	@B=$(B) MAKE='$(MAKE)' sh tests/check.sh

san-build:
	@$(MAKE) B=$(B)/san CFLAGS='$(SAN)' LDFLAGS='-fsanitize=address,undefined' all units

check-san: san-build            ## the same under AddressSanitizer and UBSan, in $(B)/san
	@B=$(B)/san MAKE='$(MAKE)' sh tests/check.sh $(SAN_SUITES)

check-vg: all units             ## the same under valgrind
	@B=$(B) MAKE='$(MAKE)' TEST_LOGS=$(B)/vg TEST_WRAP='$(VG)' sh tests/check.sh $(SAN_SUITES)

lint:                           ## layers, foreign headers, banned functions, format, manual, lengths
	@B=$(B) sh tests/check.sh lint

bench: all $(BENCHES)                      ## the benchmark table (some minutes)
	@B=$(B) bash tests/bench/run.sh

FAULTS ?= 1000
soak: all                       ## losses per FAULTS injected faults, and each fault at each place (long)
	@B=$(B) FAULTS=$(FAULTS) /usr/bin/python3 tests/crash/soak.py
	@B=$(B) STEP=1 /usr/bin/python3 tests/crash/state.py
	@B=$(B) ALL=1 /usr/bin/python3 tests/crash/pure.py

FUZZ_TIME ?= 30
fuzz:                           ## libFuzzer over every tests/fuzz target, FUZZ_TIME seconds each
	@$(MAKE) B=$(B)/fuzz CC=clang LDFLAGS='-fsanitize=address,undefined' \
	    CFLAGS='-O1 -g -fsanitize=address,$(UB),fuzzer-no-link -fno-sanitize-recover=$(UB)' fuzzers
	@B=$(B)/fuzz FUZZ_TIME=$(FUZZ_TIME) sh tests/fuzz/run.sh

# --- installation ---------------------------------------------------------------------------------
BINDIR  := $(DESTDIR)$(PREFIX)/bin
DATADIR := $(DESTDIR)$(PREFIX)/share/leadpipe
MANDIR  := $(DESTDIR)$(PREFIX)/share/man
BASHDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR  := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
PIPELINES := $(notdir $(wildcard pipelines/*.sh))
RENAMEP := -e 's/^\( *\)report /\1$(PROGRAM_PREFIX)report /'
MAN1    := $(notdir $(wildcard man/*.1))
MAN5    := $(notdir $(wildcard man/*.5))
MAN7    := $(notdir $(wildcard man/*.7))
# Pages and completions name the programs as they are installed.
RENAME  := $(foreach p,$(PROGRAMS),-e 's/^\(\.\(.* \)\?\(Nm\|Xr\)\) $p\( \|$$\)/\1 $(PROGRAM_PREFIX)$p\4/')
RENAMEC  = -e 's/_leadpipe_$(1)/_leadpipe_$(PROGRAM_PREFIX)$(1)/g' \
           -e '/^\#compdef \|^complete \|^ *compdef /s/ $(1)$$/ $(PROGRAM_PREFIX)$(1)/'

install: all                    ## install below DESTDIR and PREFIX; PROGRAM_PREFIX renames programs
	install -d $(BINDIR) $(DATADIR) $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man7 $(BASHDIR) $(ZSHDIR)
	for p in $(PROGRAMS); do install -m 755 $(B)/bin/$$p $(BINDIR)/$(PROGRAM_PREFIX)$$p || exit 1; done
	for s in $(PIPELINES); do sed $(RENAMEP) pipelines/$$s >$(BINDIR)/$(PROGRAM_PREFIX)$$s && \
	  chmod 755 $(BINDIR)/$(PROGRAM_PREFIX)$$s || exit 1; done
	for d in $(wildcard $(SHIPPED:%=lib/%)); do \
	  find $$d -type f ! -name '*.awk' | while read -r f; do \
	    install -D -m 644 $$f $(DATADIR)/$${f#lib/} || exit 1; done || exit 1; done
	for m in $(MAN1); do sed $(RENAME) man/$$m >$(MANDIR)/man1/$(PROGRAM_PREFIX)$$m || exit 1; done
	for m in $(MAN5); do sed $(RENAME) man/$$m >$(MANDIR)/man5/$$m || exit 1; done
	for m in $(MAN7); do sed $(RENAME) man/$$m >$(MANDIR)/man7/$$m || exit 1; done
	$(foreach p,$(PROGRAMS),\
	  $(B)/bin/$p --completion=bash | sed $(call RENAMEC,$p) >$(BASHDIR)/$(PROGRAM_PREFIX)$p && \
	  $(B)/bin/$p --completion=zsh | sed $(call RENAMEC,$p) >$(ZSHDIR)/_leadpipe_$(PROGRAM_PREFIX)$p &&) :

uninstall:                      ## take away what install put there
	rm -f $(PROGRAMS:%=$(BINDIR)/$(PROGRAM_PREFIX)%) $(PIPELINES:%=$(BINDIR)/$(PROGRAM_PREFIX)%) $(MAN1:%=$(MANDIR)/man1/$(PROGRAM_PREFIX)%) \
	  $(MAN5:%=$(MANDIR)/man5/%) $(MAN7:%=$(MANDIR)/man7/%) \
	  $(PROGRAMS:%=$(BASHDIR)/$(PROGRAM_PREFIX)%) $(PROGRAMS:%=$(ZSHDIR)/_leadpipe_$(PROGRAM_PREFIX)%)
	rm -rf $(DATADIR)

dist:                           ## $(B)/leadpipe-VERSION.tar.gz of what is committed
	@mkdir -p $(B)
	git archive --format=tar.gz --prefix=leadpipe-$(VERSION)/ -o $(B)/leadpipe-$(VERSION).tar.gz HEAD

clean:                          ## remove $(B)
	rm -rf $(B)

help:                           ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	  while IFS='|' read -r t d; do printf '  %-11s %s\n' "$$t" "$$d"; done
	@echo; echo 'Variables: B=$(B) CC=$(CC) CFLAGS OPT LDFLAGS WERROR PREFIX DESTDIR PROGRAM_PREFIX FUZZ_TIME FAULTS'

force:
.PHONY: all units fuzzers check san-build check-san check-vg lint bench soak fuzz install uninstall dist clean \
        help force
.SECONDARY:
-include $(LIBOBJ:.o=.d) $(CMDSRC:%.c=$(B)/%.d) $(UNITSRC:%.c=$(B)/%.d) \
         $(TESTPROGSRC:%.c=$(B)/%.d) $(FUZZSRC:%.c=$(B)/%.d) $(B)/tests/fuzz/replay.d \
         $(BENCHSRC:%.c=$(B)/%.d)
