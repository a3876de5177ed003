/*
 * generate - contacts with counters, or events of them, for score's benchmark
 *
 * Usage: generate contacts N | generate events N CONTACTS
 * Always the same records, of some 370 bytes (contacts) and 200 (events).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 12345;

static unsigned below(unsigned n)
{
    state = state * 1664525 + 1013904223;
    return (unsigned)((uint64_t)state * n >> 32);
}

static void contact(unsigned i)
{
    static const char *const first[] = {
        "Anna", "Bj\xC3\xB6rn", "Christopher", "Li", "Maria-Jos\xC3\xA9"};
    static const char *const title[] = {
        "CEO", "Head of Marketing", "Software Engineer II", "VP Sales"};
    unsigned company = i % 5000, sent = below(200), opened = below(sent + 1);
    unsigned clicks = below(opened + 1), conversions = below(3) ? 0 : below(clicks + 1);
    printf(
        "{\"kind\":\"contact\",\"email\":\"person%u@company%u.example\",\"domain\":\"company%u."
        "example\",\"status\":\"engaged\",\"first_name\":\"%s\",\"last_name\":\"Lastname%u\","
        "\"company\":\"Company %u Ltd\",\"title\":\"%s\",\"city\":\"Berlin\",\"country\":\"DE\","
        "\"tags\":[\"trade-fair\",\"vip\"],\"emails_sent\":%u,\"emails_opened\":%u,\"clicks\":%u,"
        "\"conversions\":%u,\"created_at\":\"2026-01-31T10:00:00Z\"}\n",
        i, company, company, first[i % 5], i, company, title[i % 4], sent, opened, clicks,
        conversions);
}

static void event(unsigned i, unsigned contacts)
{
    static const char *const type[] = {
        "email_sent", "email_delivered", "email_opened", "link_clicked", "converted"};
    unsigned who = below(contacts), job = below(4), what = below(5);
    printf(
        "{\"kind\":\"event\",\"engagement_type\":\"%s\",\"email\":\"person%u@company%u.example\","
        "\"timestamp\":\"2026-01-%02uT%02u:10:00Z\",\"campaign_id\":\"spring-2026\","
        "\"job_id\":\"job-%u-%07u\",\"channel\":\"email\"}\n",
        type[what], who, who % 5000, 1 + job * 3, i % 24, job, who);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    unsigned contacts = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    if (argc == 3 && strcmp(argv[1], "contacts") == 0)
        for (unsigned i = 0; i < n; i++)
            contact(i);
    else if (argc == 4 && strcmp(argv[1], "events") == 0 && contacts > 0)
        for (unsigned i = 0; i < n; i++)
            event(i, contacts);
    else
        return 2;
    return fflush(stdout) != 0;
}
