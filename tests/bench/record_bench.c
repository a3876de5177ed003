/*
 * record_bench - how fast the record layer goes over contact records, in GB/s of input
 *
 * Usage: record_bench [FILE]    (without a file: 200,000 generated records of about 350 bytes)
 * Prints the best of several rounds, which is what the code can do; the mean is what the machine's
 * other tenants leave of it.
 */
#include "leadpipe/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum work { LINES, INDEX, READ, PASS, APPEND, REPLACE };
static const char *const NAMES[] = {
    [LINES] = "memchr for line ends only",
    [INDEX] = "validate and index",
    [READ] = "... and look up five members",
    [PASS] = "... and write unchanged",
    [APPEND] = "... and write with one member appended",
    [REPLACE] = "... and write with one replaced",
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void generate(struct lp_buf *b, unsigned records)
{
    static const char *const first[] = {
        "Anna", "Bj\xC3\xB6rn", "Christopher", "Li", "Maria-Jos\xC3\xA9"};
    static const char *const title[] = {
        "CEO", "Head of Marketing", "Software Engineer II", "VP \\\"Sales\\\""};
    uint32_t x = 12345;
    for (unsigned i = 0; i < records; i++) {
        x = x * 1664525 + 1013904223;
        unsigned r = x >> 8;
        lp_buf_printf(b,
            "{\"kind\":\"contact\",\"email\":\"person%u@company%u.example\",\"domain\":\"company%u."
            "example\","
            "\"status\":\"new\",\"first_name\":\"%s\",\"last_name\":\"Lastname%u\",\"company\":"
            "\"Company %u "
            "Ltd\",\"title\":\"%s\",\"phone\":\"+49 30 "
            "%07u\",\"city\":\"Berlin\",\"country\":\"DE\","
            "\"tags\":[\"trade-fair\",\"vip\"],\"custom_fields\":{\"Lead Owner\":\"user%u\",\"Lead "
            "Score\":\"%u\"},\"emails_sent\":%u,\"created_at\":\"2026-01-31T10:00:00Z\"}\n",
            i, r % 5000, r % 5000, first[r % 5], r % 99991, r % 5000, title[r % 4], r % 10000000,
            r % 37, r % 100, r % 12);
    }
}

static size_t one(struct lp_rec *rec, enum work work, const char *p, size_t n, struct lp_buf *out)
{
    static const char *const wanted[] = {
        "email", "kind", "status", "verification", "custom_fields"};
    struct lp_err err = {0};
    struct lp_str v;
    if (work == LINES)
        return n;
    if (lp_rec_parse(rec, p, n, &err) < 0) {
        fprintf(stderr, "record_bench: %s\n", err.msg);
        exit(1);
    }
    if (work == READ)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            n += lp_rec_get(rec, wanted[i], &v);
    if (work == APPEND)
        lp_rec_set(
            rec, "verification", LP_STR("{\"status\":\"unknown\",\"reason\":\"not_probed\"}"));
    if (work == REPLACE)
        lp_rec_set(rec, "status", LP_STR("\"verified\""));
    if (work >= PASS)
        lp_rec_write(rec, out);
    if (out->len > 60000)
        out->len = 0;
    return n;
}

static double round_of(struct lp_rec *rec, enum work work, struct lp_str in, struct lp_buf *out)
{
    const char *p = in.p, *end = in.p + in.n;
    volatile size_t sum = 0;
    double start = now();
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        nl = nl ? nl : end;
        sum += one(rec, work, p, (size_t)(nl - p), out);
        p = nl + 1;
    }
    return now() - start;
}

int main(int argc, char **argv)
{
    struct lp_buf in = {0}, out = {0};
    struct lp_rec rec = {0};
    FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (argc > 1 && !f)
        return perror(argv[1]), 1;
    if (f) {
        char block[65536];
        for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
            lp_buf_add(&in, block, n);
        fclose(f);
    } else {
        generate(&in, 200000);
    }
    for (enum work w = LINES; w <= REPLACE; w++) {
        double best = 1e9, all = 0;
        for (int i = 0; i < 8; i++) {
            double t = round_of(&rec, w, lp_buf_view(&in), &out);
            best = t < best ? t : best;
            all += t;
        }
        printf("%-42s %6.2f GB/s best, %6.2f mean\n", NAMES[w], (double)in.len / best / 1e9,
            (double)in.len * 8 / all / 1e9);
    }
    lp_rec_free(&rec);
    lp_buf_free(&in);
    lp_buf_free(&out);
    return 0;
}
