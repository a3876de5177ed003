#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "leadpipe/capability.h"

static void g12_every_capability_has_a_chain(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct lp_capability *c = lp_capabilities; c->name; c++, n++) {
        assert_true(strlen(c->chain) > 0);
        assert_ptr_equal(lp_capability_chain(c->name), c->chain);
    }
    assert_int_equal(n, 19);
    assert_null(lp_capability_chain("lead_enrichmnt"));
}

static void g12_the_embedded_provider_stands_last(void **state)
{
    (void)state;
    static const struct {
        const char *capability, *last;
    } embedded[] = {{"lead_enrichment", ",offline"}, {"email_sending", ",outbox"},
        {"website_publishing", ",files"}, {"crm_sync", ",files"}, {"reply_fetching", ",maildir"}};
    for (size_t i = 0; i < sizeof embedded / sizeof *embedded; i++) {
        const char *chain = lp_capability_chain(embedded[i].capability);
        assert_string_equal(chain + strlen(chain) - strlen(embedded[i].last), embedded[i].last);
    }
    assert_memory_equal(lp_capability_chain("email_verification"), "local,", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g12_every_capability_has_a_chain),
        cmocka_unit_test(g12_the_embedded_provider_stands_last),
    };
    return cmocka_run_group_tests_name("gateway/capability", tests, NULL, NULL);
}
