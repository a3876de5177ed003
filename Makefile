# leadpipe: GNU make. Everything is built under $(B); sources are found by wildcard, header
# dependencies are generated. `make help` lists the targets.
VERSION := 0.1.0
B       ?= build
CC      ?= gcc
OPT     ?= -O2
PREFIX  ?= /usr/local
PROGRAM_PREFIX ?=
DESTDIR ?=
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
CFLAGS  ?= $(OPT) -g
ALLCFLAGS := -std=c11 -D_GNU_SOURCE -Iinclude -fstack-protector-strong $(WARN) \
             -DLP_VERSION='"$(VERSION)"' -DLP_PREFIX='"$(PREFIX)"' $(CFLAGS)

PKGS    := libcurl sqlite3 libcares libidn2 libpsl uchardet
PKGLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
LDLIBS  := -Wl,--as-needed $(PKGLIBS) -ljq -lcsv -lxxhash -lunistring -lz -lm -lpthread
ALLLDFLAGS := -Wl,-z,relro,-z,now $(LDFLAGS)

LIBSRC  := $(wildcard lib/*/*.c)
LIBOBJ  := $(LIBSRC:%.c=$(B)/%.o)
CMDSRC  := $(wildcard cmd/*.c)
PROGRAMS := $(CMDSRC:cmd/%.c=%)
BINS    := $(PROGRAMS:%=$(B)/bin/%)
UNITSRC := $(wildcard tests/unit/*/*.c)
UNITS   := $(UNITSRC:tests/unit/%.c=$(B)/unit/%)

all: $(BINS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

$(B)/libleadpipe.a: $(LIBOBJ)
	rm -f $@ && ar rcs $@ $(LIBOBJ)

$(B)/bin/%: $(B)/cmd/%.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a $(LDLIBS)

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libleadpipe.a
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(ALLLDFLAGS) -o $@ $< $(B)/libleadpipe.a -lcmocka $(LDLIBS)

units: $(UNITS)

clean:
	rm -rf $(B)

.PHONY: all units clean
.SECONDARY:
-include $(LIBOBJ:.o=.d) $(CMDSRC:%.c=$(B)/%.d) $(UNITSRC:%.c=$(B)/%.d)
