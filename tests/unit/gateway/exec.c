/* exec: a filter of the user's as a provider: in order, in time, restarted, ended, its secrets kept */
#include "asker.h"
#include "../process.h"

/* A filter in sh that answers `ok` unless `cases` says otherwise. */
#define READ           "while IFS= read -r l; do case $l in "
#define OK             "*) echo '{\\\"outcome\\\":\\\"ok\\\"}';; esac; done"
#define F(more, line)  "\"f\":{\"use\":\"exec\"," more "\"command\":\"" line "\"}"
#define ONLY(provider) CONFIG("\"providers\":[\"f\"]", provider)
#define SAY(what)      "echo '{\\\"outcome\\\":\\\"" what "\\\"}';; "

static const char three[] = "{\"email\":\"a@x\"}\n{\"email\":\"b@x\"}\n{\"email\":\"c@x\"}\n";

static void expect3(const char *a, const char *b, const char *c)
{
    char text[600];
    snprintf(text, sizeof text,
        "{\"email\":\"a@x\",\"r\":\"%s\"}\n{\"email\":\"b@x\",\"r\":\"%s\"}\n"
        "{\"email\":\"c@x\",\"r\":\"%s\"}\n",
        a, b, c);
    assert_string_equal(out.p, text);
}

#define FAILED(class) "failed f=error/" class " ALL_FAILED (1 attempts): f " class

static void each_line_is_answered_by_a_line(void **state)
{
    (void)state;
    run(ONLY(F("", READ "*b@x*) " SAY("not_found") "*c@x*) " SAY("rejected") OK)), three);
    expect3("found f=ok", "not_found f=not_found", "rejected f=rejected");
    assert_int_equal(status, 0);
}

static void it_is_told_capability_settings_and_item(void **state)
{
    (void)state;
    const char *want =
        "{\\\"capability\\\":\\\"lead_enrichment\\\",\\\"settings\\\":{\\\"n\\\":1.10,"
        "\\\"deep\\\":{\\\"cmd\\\":1}},\\\"item\\\":{\\\"email\\\":\\\"a@x.org\\\"}}";
    struct lp_buf config = {0};
    lp_buf_printf(&config,
        ONLY("\"f\":{\"use\":\"exec\",\"settings\":{\"n\":1.10,\"deep\":{\"cmd\":1}},"
             "\"command\":\"" READ "'%s') " SAY("not_found") OK "\"}"),
        want);
    run(config.p, one);
    expect("not_found f=not_found");
    lp_buf_free(&config);
}

static void a_command_without_a_shell(void **state)
{
    (void)state;
    run(ONLY("\"f\":{\"use\":\"exec\",\"command\":[\"sed\",\"-u\",\"-e\","
             "\"s/.*/{\\\"outcome\\\":\\\"not_found\\\"}/\",\"--\",\"-\"]}"),
        one);
    expect("not_found f=not_found");
}

static void an_answer_that_is_no_json_is_its_records_error(void **state)
{
    (void)state;
    run(ONLY(F("\"tries\":1,", READ "*b@x*) echo hello;; *c@x*) echo '{}';; " OK)), three);
    expect3("found f=ok", FAILED("bad_response"), FAILED("bad_response"));
    assert_int_equal(status, 1);
}

/* A banner: the answer to the first record comes after it, and must not be taken for the second's. */
static void a_line_too_many_shifts_no_answers(void **state)
{
    (void)state;
    char config[500];
    snprintf(config, sizeof config,
        ONLY(F("\"tries\":1,\"batch\":3,",
            "test -e %s/in.said || { : >%s/in.said; echo welcome; }; " READ
            "*b@x*) " SAY("not_found") OK)),
        dir, dir);
    run(config, three);
    unlink(at("in.said"));
    expect3(FAILED("bad_response"), "not_found f=not_found", "found f=ok");
}

static void a_record_that_fells_it_costs_itself_alone(void **state)
{
    (void)state;
    run(ONLY(F("\"tries\":1,", READ "*b@x*) exit 7;; " OK)), three);
    expect3("found f=ok", FAILED("server"), "found f=ok");
    run(ONLY(F("\"batch\":3,", READ "*b@x*) kill -9 $$;; " OK)), three);
    expect3("found f=ok", FAILED("server"), "found f=ok");
    /* in the middle of a line: half an answer is none */
    run(ONLY(F("\"batch\":3,", READ "*b@x*) printf '{\\\"outcome'; kill -9 $$;; " OK)), three);
    expect3("found f=ok", FAILED("server"), "found f=ok");
}

static void a_crash_is_tried_again(void **state)
{
    (void)state;
    char config[400];
    snprintf(config, sizeof config,
        ONLY(F("", "test -e %s/in.crashed && exec sed -u 's/.*/{\\\"outcome\\\":\\\"ok\\\"}/'; "
                   "read -r l; : >%s/in.crashed; exit 1")),
        dir, dir);
    run(config, one);
    unlink(at("in.crashed"));
    expect("found f=ok");
}

static void a_record_has_its_time(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(ONLY(F("\"tries\":1,\"timeout_s\":0.4,\"batch\":3,", READ "*b@x*) sleep 20;; " OK)), three);
    expect3("found f=ok", FAILED("timeout"), "found f=ok");
    assert_true(lp_clock_mono() - began < within(4000));
}

static void one_that_cannot_start_is_given_up(void **state)
{
    (void)state;
    run(ONLY(F("", "echo no such thing >&2; exit 3")), one);
    expect(FAILED("config"));
    assert_int_equal(count(errors.p, "asker: f: no such thing\n"), 3);
    assert_non_null(
        strstr(errors.p, "ended with status 3, for the third time without reading anything"));
}

static void one_that_is_not_there_is_named(void **state)
{
    (void)state;
    run(ONLY("\"f\":{\"use\":\"exec\",\"command\":[\"/nonexistent/filter\"]}"), three);
    expect3(FAILED("config"), "failed f=skipped/config ALL_FAILED (1 attempts): f config",
        "failed f=skipped/config ALL_FAILED (1 attempts): f config");
    assert_non_null(strstr(errors.p, "/nonexistent/filter: No such file"));
}

/* More than pipes hold, in both directions and on standard error, before it reads on. */
static void nobody_waits_for_the_other(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    char *wide = lp_alloc(1001);
    memset(wide, 'a', 1000);
    for (int i = 0; i < 400; i++)
        lp_buf_printf(&in, "{\"email\":\"%s%d\"}\n", wide, i);
    run(ONLY(F("\"batch\":400,", "head -c 300000 /dev/zero | tr '\\\\0' ' '; echo; "
                                 "yes 12345678 | head -n 30000 >&2; " READ OK)),
        in.p);
    assert_int_equal(count(out.p, "found f=ok"), 400);
    assert_int_equal(count(errors.p, "asker: f: 12345678\n"), 30000);
    lp_buf_free(&in);
    free(wide);
}

static void what_nobody_asked_for_starts_it_anew(void **state)
{
    (void)state;
    run(ONLY(F("", READ "*b@x*) printf '{\\\"outcome\\\":\\\"%s\\\"}\\n' ok not_found;; " OK)),
        three);
    expect3("found f=ok", "found f=ok", "found f=ok");
    assert_non_null(strstr(errors.p, "answered more than it was asked"));
}

static void one_that_always_says_too_much_is_given_up(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 6);
    run(ONLY(F("", READ "*) printf '{\\\"outcome\\\":\\\"%s\\\"}\\n' ok ok;; esac; done")), in.p);
    assert_int_equal(count(out.p, "found f=ok"), 3);
    assert_int_equal(count(out.p, "f=error/config"), 1);
    assert_int_equal(count(out.p, "f=skipped/config"), 2);
    assert_non_null(strstr(errors.p, "answers more than it is asked, time and again"));
    lp_buf_free(&in);
}

static void errors_have_a_class_and_a_wait(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(ONLY(F("",
            "n=0; while read -r l; do n=$((n+1)); if [ $n = 1 ]; then echo "
            "'{\\\"outcome\\\":\\\"error\\\",\\\"class\\\":\\\"rate_limited\\\","
            "\\\"retry_after_s\\\":0.3}'; else echo '{\\\"outcome\\\":\\\"ok\\\"}'; fi; done")),
        one);
    expect("found f=ok");
    assert_true(lp_clock_mono() - began >= 300);
    run(ONLY(F("", READ "*) echo '{\\\"outcome\\\":\\\"error\\\",\\\"class\\\":\\\"auth\\\"}';; "
                        "esac; done")),
        one);
    assert_int_equal(status, 77);
    assert_non_null(strstr(errors.p, "f: credentials refused; not asked again"));
    run(ONLY(F("\"tries\":1,", READ
            "*) echo '{\\\"outcome\\\":\\\"error\\\",\\\"class\\\":\\\"budget\\\"}';; esac; done")),
        one);
    expect(FAILED("bad_response")); /* whom we pass over, and why, is not the filter's to say */
}

/* The filter's own text must not hold the word it looks for in its arguments and its input. */
static void secrets_are_in_its_environment_alone(void **state)
{
    (void)state;
    char config[800];
    put("secret", "canary-4711\n");
    setenv("OF_OURS", "canary-0815", 1);
    snprintf(config, sizeof config,
        ONLY("\"f\":{\"use\":\"exec\",\"settings\":{\"api-key\":{\"file\":\"%s\"},\"other\":"
             "{\"env\":\"OF_OURS\"},\"more\":{\"cmd\":\"echo canary-1234\"},\"plain\":\"p\"},"
             "\"command\":\"" READ "*c[a]nary*|*other*) " SAY(
                 "rejected") "*plain*) "
                             "grep -q c[a]nary /proc/$$/cmdline && exit; "
                             "x=$(echo $API_KEY$OF_OURS$MORE | sed s/c[a]nary//g); "
                             "[ $x = -4711-0815-1234 ] || exit; " SAY("ok") "esac; done\"}"),
        at("secret"));
    run(config, one);
    unlink(at("secret"));
    expect("found f=ok");
}

static void without_its_secret_it_is_passed_over(void **state)
{
    (void)state;
    unsetenv("NOWHERE_SET");
    run(CONFIG("\"providers\":[\"f\",\"s\"]", "\"f\":{\"use\":\"exec\",\"settings\":{\"k\":{"
                                              "\"env\":\"NOWHERE_SET\"}},\"command\":\"cat\"},"
                                              "\"s\":{\"use\":\"scripted\"}"),
        one);
    expect("found s=ok");
}

static void workers_work_at_the_same_time(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    int64_t began = lp_clock_mono();
    lines(&in, 9);
    run(ONLY(F("\"workers\":4,",
            "while read -r l; do sleep 0.2; echo '{\\\"outcome\\\":\\\"ok\\\"}'; "
            "done")),
        in.p);
    assert_int_equal(count(out.p, "found f=ok"), 9);
    /* one alone, then four at a time; one by one: 1.8 s */
    assert_true(lp_clock_mono() - began < within(1500));
    lp_buf_free(&in);
}

/* It has its two seconds when its input has ended; what it started ends with it. */
static void it_ends_with_the_run(void **state)
{
    (void)state;
    char config[400];
    int64_t began = lp_clock_mono();
    snprintf(config, sizeof config,
        ONLY(F("", "trap '' TERM; sleep 60 & echo $! >%s/trace; read -r l; "
                   "echo '{\\\"outcome\\\":\\\"ok\\\"}'; while :; do sleep 1; done")),
        dir);
    run(config, one);
    expect("found f=ok");
    assert_true(lp_clock_mono() - began < within(5000));
    assert_true(process_ends(strtol(trace.p, NULL, 10)));
    snprintf(config, sizeof config,
        ONLY(F("", "read -r l; echo '{\\\"outcome\\\":\\\"ok\\\"}'; cat; echo done >%s/trace; "
                   "echo bye >&2")),
        dir);
    run(config, one);
    assert_string_equal(trace.p, "done\n");
    assert_non_null(strstr(errors.p, "asker: f: bye\n"));
}

/* However many do not want to end, they have their half second together. */
static void stubborn_ones_end_at_the_same_time(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    int64_t began = lp_clock_mono();
    lines(&in, 9);
    run(ONLY(F("\"workers\":8,",
            "trap '' TERM; while read -r l; do sleep 0.2; echo '{\\\"outcome\\\":\\\"ok\\\"}'; "
            "done; while :; do sleep 0.1; done")),
        in.p);
    assert_int_equal(count(out.p, "found f=ok"), 9);
    assert_true(lp_clock_mono() - began < within(4500)); /* one by one: 6.4 s */
    lp_buf_free(&in);
}

static void a_wrong_setting_is_named_before_anything_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *members, *says;
    } wrong[] = {
        {"\"command\":[]", "providers.f.command: must be an array"},
        {"\"command\":[1]", "providers.f.command: must be an array"},
        {"\"command\":\"\"", "providers.f.command: must be an array"},
        {"\"command\":\"cat\",\"workers\":0", "providers.f.workers: must be a whole number"},
        {"\"command\":\"cat\",\"workers\":65", "providers.f.workers: must be a whole number"},
        {"\"command\":\"cat\",\"settings\":[]", "providers.f.settings: must be an object"},
        {"\"command\":\"cat\",\"colour\":1", "providers.f.colour: unknown key"},
        {"\"command\":\"cat\",\"settings\":{\"k\":{\"file\":\"/nonexistent\"}}",
            "providers.f.settings.k: /nonexistent"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char config[300];
        snprintf(config, sizeof config, ONLY("\"f\":{\"use\":\"exec\",%s}"), wrong[i].members);
        run(config, one);
        assert_int_equal(status, 78);
        assert_string_equal(out.p, "");
        if (!strstr(errors.p, wrong[i].says))
            fail_msg("%s: %s", wrong[i].says, errors.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_line_is_answered_by_a_line),
        T(it_is_told_capability_settings_and_item),
        T(a_command_without_a_shell),
        T(an_answer_that_is_no_json_is_its_records_error),
        T(a_line_too_many_shifts_no_answers),
        T(a_record_that_fells_it_costs_itself_alone),
        T(a_crash_is_tried_again),
        T(a_record_has_its_time),
        T(one_that_cannot_start_is_given_up),
        T(one_that_is_not_there_is_named),
        T(nobody_waits_for_the_other),
        T(what_nobody_asked_for_starts_it_anew),
        T(one_that_always_says_too_much_is_given_up),
        T(errors_have_a_class_and_a_wait),
        T(secrets_are_in_its_environment_alone),
        T(without_its_secret_it_is_passed_over),
        T(workers_work_at_the_same_time),
        T(it_ends_with_the_run),
        T(stubborn_ones_end_at_the_same_time),
        T(a_wrong_setting_is_named_before_anything_is_read),
    };
    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
