/*
 * generate - N mixed records for report's benchmark: events, contacts, jobs, metrics, spend
 *
 * Usage: generate N
 * Always the same records, of some 220 bytes each; N / 5 contacts, three campaigns by mail, five
 * with metrics in networks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 12345;

static unsigned below(unsigned n)
{
    state = state * 1664525 + 1013904223;
    return (unsigned)((uint64_t)state * n >> 32);
}

static void contact(unsigned i)
{
    static const char *const status[] = {
        "new", "enriched", "verified", "verified", "engaged", "converted", "disqualified"};
    unsigned sent = below(200), opened = below(sent + 1), clicks = below(opened + 1);
    printf("{\"kind\":\"contact\",\"email\":\"person%u@company%u.example\",\"domain\":\"company%u."
           "example\",\"status\":\"%s\",\"first_name\":\"Anna\",\"last_name\":\"Lastname%u\","
           "\"company\":\"Company %u Ltd\",\"emails_sent\":%u,\"emails_opened\":%u,\"clicks\":%u,"
           "\"conversions\":%u,\"created_at\":\"2026-01-31T10:00:00Z\"}\n",
        i, i % 5000, i % 5000, status[below(7)], i, i % 5000, sent, opened, clicks,
        below(clicks + 1));
}

static void event(unsigned i, unsigned contacts)
{
    static const char *const type[] = {"email_sent", "email_delivered", "email_opened",
        "email_opened", "link_clicked", "converted"};
    unsigned who = below(contacts), job = below(4);
    printf(
        "{\"kind\":\"event\",\"engagement_type\":\"%s\",\"email\":\"person%u@company%u.example\","
        "\"timestamp\":\"2026-01-%02uT%02u:10:00Z\",\"campaign_id\":\"campaign-%u\","
        "\"job_id\":\"job-%u-%07u\",\"channel\":\"email\"}\n",
        type[below(6)], who, who % 5000, 1 + job * 3, i % 24, job % 3, job, who);
}

static void job(unsigned i, unsigned contacts)
{
    unsigned who = below(contacts), number = below(4);
    printf("{\"kind\":\"job\",\"job_id\":\"job-%u-%07u\",\"campaign_id\":\"campaign-%u\","
           "\"content_id\":\"c\",\"channel\":\"email\",\"contact_email\":\"person%u@company%u."
           "example\","
           "\"status\":\"published\",\"published_time\":\"2026-01-%02uT%02u:00:00Z\","
           "\"provider\":\"smtp\",\"attempts\":1}\n",
        number, who, number % 3, who, who % 5000, 1 + number * 3, i % 24);
}

static void metric(unsigned i)
{
    static const char *const channel[] = {"linkedin", "mastodon", "website", "twitter"};
    unsigned seen = below(900), clicks = below(seen / 10 + 1);
    printf("{\"kind\":\"metric\",\"campaign_id\":\"campaign-%u\",\"campaign_name\":\"Campaign %u\","
           "\"channel\":\"%s\",\"at\":\"2026-01-%02uT23:55:00Z\",\"metrics\":{\"impressions\":%u,"
           "\"clicks\":%u,\"engagements\":%u,\"conversions\":%u,\"shares\":1,\"comments\":2}}\n",
        i % 5, i % 5, channel[below(4)], 1 + i % 28, seen, clicks, below(seen / 5 + 1),
        below(clicks + 1));
}

static void spend(unsigned i)
{
    printf("{\"kind\":\"spend\",\"campaign_id\":\"campaign-%u\",\"channel\":\"email\",\"amount\":%"
           "u.%02u,"
           "\"currency\":\"EUR\",\"at\":\"2026-01-%02uT12:00:00Z\"}\n",
        i % 5, below(90), below(100), 1 + i % 28);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned contacts = n / 5 + 1, next = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned kind = i % 20;
        if (kind < 4)
            contact(next++);
        else if (kind < 13)
            event(i, contacts);
        else if (kind < 16)
            job(i, contacts);
        else if (kind < 19)
            metric(i);
        else
            spend(i);
    }
    return fflush(stdout) != 0;
}
