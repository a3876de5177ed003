#include "leadpipe/capability.h"

#include <stddef.h>
#include <string.h>

/* Campaign stages are served by whatever HTTP service or filter the configuration names. */
const struct lp_capability lp_capabilities[] = {
    {"lead_enrichment", "apollo,dropcontact,hunter,peopledatalabs,offline"},
    {"email_verification", "local,dropcontact,zerobounce,neverbounce,hunter,reacher"},
    {"email_sending", "smtp,postmark,sendgrid,resend,ses,outbox"},
    {"social_posting_linkedin", "linkedin,webhook"},
    {"social_posting_twitter", "twitter,webhook"},
    {"social_posting_instagram", "instagram,webhook"},
    {"social_posting_mastodon", "mastodon,webhook"},
    {"social_posting_bluesky", "bluesky,webhook"},
    {"social_posting_facebook", "facebook,webhook"},
    {"website_publishing", "wordpress,ghost,files"},
    {"crm_sync", "airtable,hubspot,files"},
    {"reply_fetching", "imap,maildir"},
    {"webhook_dispatch", "make,slack,webhook"},
    {"campaign_radar", "radar"},
    {"campaign_strategy", "analyst"},
    {"campaign_content", "visual"},
    {"campaign_audit", "optimizer"},
    {"campaign_publish", "optimizer"},
    {"campaign_learn", "optimizer"},
    {NULL, NULL},
};

const char *lp_capability_chain(const char *name)
{
    for (const struct lp_capability *c = lp_capabilities; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c->chain;
    return NULL;
}
