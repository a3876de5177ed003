/* recording: a run with filters kept and played back; the clock it is played on; what a file must be */
#include "asker.h"

#define FILTER(command)                                                                            \
    "\"f\":{\"use\":\"exec\",\"tries\":2,\"batch\":3,\"command\":\"" command "\"}"
#define ONLY(provider) CONFIG("\"providers\":[\"f\"]", provider)
#define ANSWERS                                                                                    \
    "sed -u -e 's/.*\\\"1@.*/nonsense/;t' -e "                                                     \
    "'s/.*\\\"2@.*/{\\\"outcome\\\":\\\"not_found\\\"}/;t' "                                       \
    "-e 's/.*/{\\\"outcome\\\":\\\"ok\\\"}/'"

/* run_with takes paths that outlive it. */
static void run_on(const char *config, const char *in, const char *option, const char *file)
{
    char path[96];
    snprintf(path, sizeof path, "%s", at(file));
    run_with(config, in, option, path);
}

static void played_back_without_the_filter(void **state)
{
    (void)state;
    struct lp_buf in = {0}, first = {0};
    lines(&in, 8);
    run_on(ONLY(FILTER(ANSWERS)), in.p, "--record", "trace");
    lp_buf_str(&first, lp_buf_view(&out));
    assert_int_equal(count(first.p, "found f=ok"), 6);
    assert_int_equal(count(first.p, "not_found f=not_found"), 1);
    assert_int_equal(count(first.p, "f=error/bad_response"), 1);
    struct lp_buf kept = {0};
    get("trace", &kept);
    put("recording", kept.p);
    run_on(ONLY(FILTER("exit 1")), in.p, "--replay", "recording");
    unlink(at("recording"));
    assert_string_equal(out.p, first.p);
    lp_buf_free(&kept);
    lp_buf_free(&first);
    lp_buf_free(&in);
}

/* Waits are not waited for: the clocks of a replay move as the recording says. */
static void takes_no_longer_than_it_must(void **state)
{
    (void)state;
    struct lp_buf kept = {0};
    const char *slow =
        "n=0; while read -r l; do n=$((n+1)); if [ $n = 1 ]; then echo "
        "'{\\\"outcome\\\":\\\"error\\\",\\\"class\\\":\\\"rate_limited\\\","
        "\\\"retry_after_s\\\":2}'; else echo '{\\\"outcome\\\":\\\"ok\\\"}'; fi; done";
    struct lp_buf config = {0};
    lp_buf_printf(&config, ONLY(FILTER("%s")), slow);
    int64_t began = lp_clock_mono();
    run_on(config.p, one, "--record", "trace");
    assert_true(lp_clock_mono() - began >= 2000);
    expect("found f=ok");
    get("trace", &kept);
    put("recording", kept.p);
    began = lp_clock_mono();
    run_on(config.p, one, "--replay", "recording");
    unlink(at("recording"));
    expect("found f=ok");
    assert_true(lp_clock_mono() - began < 1800);
    lp_buf_free(&config);
    lp_buf_free(&kept);
}

static void what_is_no_recording_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        int status;
    } wrong[] = {
        {"", "not the first line of a recording", 65},
        {"hello\n", "not the first line of a recording", 65},
        {"{\"leadpipe_recording\":1,\"program\":\"verify\"}\n", "of another program", 65},
        {"{\"leadpipe_recording\":2,\"program\":\"asker\"}\n", "newer version", 65},
        {"{\"leadpipe_recording\":1,\"program\":\"asker\"}\n{\"n\":1}\n",
            ":2: not a line of a recording", 65},
        {"{\"leadpipe_recording\":1,\"program\":\"asker\"}\n"
         "{\"n\":1,\"in\":[1],\"ends\":0,\"started\":0,\"ended\":0,"
         "\"key\":\"0123456789abcdef0123456789abcdef\"}\n",
            ":2: not a line of a recording", 65},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put("recording", wrong[i].text);
        run_on(ONLY(FILTER("cat")), one, "--replay", "recording");
        assert_int_equal(status, wrong[i].status);
        assert_string_equal(out.p, "");
        if (!strstr(errors.p, wrong[i].says))
            fail_msg("%s: %s", wrong[i].says, errors.p);
    }
    unlink(at("recording"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(played_back_without_the_filter),
        T(takes_no_longer_than_it_must),
        T(what_is_no_recording_is_refused),
    };
    return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
