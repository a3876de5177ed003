/* progress - see leadpipe/progress.h */
#include "leadpipe/progress.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "leadpipe/num.h"

#define FIRST_MS    1000 /* shorter work needs no bar */
#define REDRAW_MS   100
#define REPORT_MS   1000
#define MAX_COLUMNS 200
#define ETA_MOST    3e9 /* a hundred years are no estimate */

enum style { NONE, BAR, LINES, JSON };

struct lp_progress {
    enum style style;
    bool tty, color;
    bool shown;   /* the bar stands on the terminal's last line */
    int64_t next; /* monotonic ms of the next drawing; 0: not begun */
    struct lp_buf text;
};

enum { AUTO, ALWAYS, NEVER, AS_JSON }; /* --progress, in the order of its choices */

static void leave_line(void *p)
{
    lp_progress_clear(p);
}

struct lp_progress *lp_progress_new(int mode, bool color)
{
    struct lp_progress *p = lp_alloc(sizeof *p);
    const char *term = getenv("TERM");
    p->tty = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    p->color = color;
    if (mode == AS_JSON)
        p->style = JSON;
    else if (mode != NEVER && p->tty)
        p->style = BAR;
    else if (mode == ALWAYS)
        p->style = LINES;
    if (p->style == BAR)
        lp_log_before(leave_line, p);
    return p;
}

bool lp_progress_on(const struct lp_progress *p)
{
    return p->style != NONE;
}

static void write_text(const struct lp_progress *p)
{
    /* A standard error that cannot be written is nothing to fail for. */
    (void)!write(STDERR_FILENO, p->text.p, p->text.len);
}

/* --- what it says ------------------------------------------------------------------------------
 */

static void put_grouped(struct lp_buf *b, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            lp_buf_byte(b, ',');
        lp_buf_byte(b, digits[i]);
    }
}

/* 1234567 as 1.2M */
static void put_short(struct lp_buf *b, double n)
{
    static const struct {
        double from;
        const char *unit;
    } scale[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {0, ""}};
    size_t i = 0;
    while (n < scale[i].from)
        i++;
    bool large = scale[i].from > 0;
    lp_num_put(b, large ? n / scale[i].from : n, large || n < 10 ? 1 : 0);
    lp_buf_puts(b, scale[i].unit);
}

static void put_duration(struct lp_buf *b, int64_t s)
{
    if (s >= 3600)
        lp_buf_printf(
            b, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        lp_buf_printf(b, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

struct state {
    uint64_t done, total; /* records; total 0: not known for certain */
    int64_t elapsed;      /* ms */
    double rate, share;   /* records done a second; of all, -1: unknown */
    int64_t eta;          /* s; -1: unknown */
};

/* The share of the input that was read: of its bytes, or of what --limit lets in. -1: unknown. */
static double share_read(const struct lp_run *run)
{
    double limit = (double)run->common.limit, share = -1;
    uint64_t bytes = 0, of = 0;
    if (run->in)
        lp_lines_progress(run->in, &bytes, &of);
    if (of > 0)
        share = (double)bytes / (double)of;
    if (limit > 0 && (double)run->taken / limit > share)
        share = (double)run->taken / limit;
    return share > 1 || run->input_ended ? 1 : share;
}

static struct state look(const struct lp_run *run)
{
    const struct lp_counts *c = &run->counts;
    struct state s = {.share = share_read(run), .eta = -1};
    /* What was read and waits for a provider's answer is not done. */
    s.done = c->out + c->rejects + c->dropped + run->held;
    if (s.done > c->in)
        s.done = c->in;
    s.elapsed = lp_clock_mono() - run->started_mono;
    s.rate = s.elapsed > 0 ? (double)s.done * 1000 / (double)s.elapsed : 0;
    if (s.share >= 1)
        s.total = c->in;
    else if (run->common.limit > 0)
        s.total = (uint64_t)run->common.limit;
    if (s.share > 0 && c->in > 0)
        s.share *= (double)s.done / (double)c->in;
    double eta = s.share > 0 ? (double)s.elapsed * (1 - s.share) / s.share / 1000 + 0.5 : ETA_MOST;
    if (eta < ETA_MOST)
        s.eta = (int64_t)eta;
    return s;
}

/* Of how many: for certain, by the size of the files, or nobody can tell. */
static void put_total(struct lp_buf *b, const struct state *s)
{
    if (s->total > 0) {
        put_grouped(b, s->total);
    } else if (s->share > 0) {
        lp_buf_byte(b, '~');
        put_short(b, (double)s->done / s->share);
    } else {
        lp_buf_byte(b, '?');
    }
}

static void describe(struct lp_run *run, struct lp_buf *b)
{
    struct state s = look(run);
    struct lp_buf note = {0};
    lp_buf_printf(b, "%s ", run->program->name);
    put_grouped(b, s.done);
    lp_buf_byte(b, '/');
    put_total(b, &s);
    if (s.share >= 0)
        lp_buf_printf(b, " %d%%", (int)(s.share * 100));
    lp_buf_byte(b, ' ');
    put_short(b, s.rate);
    LP_BUF_LIT(b, "/s");
    if (s.eta >= 0) {
        LP_BUF_LIT(b, " ETA ");
        put_duration(b, s.eta);
    }
    if (run->progress_note)
        run->progress_note(run, &note);
    if (note.len)
        lp_buf_printf(b, "  %s", note.p);
    lp_buf_free(&note);
    lp_log_redact(b);
}

static void describe_json(struct lp_run *run, struct lp_buf *b)
{
    struct state s = look(run);
    struct lp_buf note = {0};
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "program", lp_str(run->program->name));
    lp_json_put_int(b, "in", (int64_t)run->counts.in);
    lp_json_put_int(b, "out", (int64_t)run->counts.out);
    lp_json_put_int(b, "rejects", (int64_t)run->counts.rejects);
    lp_json_put_int(b, "dropped", (int64_t)run->counts.dropped);
    lp_json_put_int(b, "elapsed_ms", s.elapsed);
    lp_json_put_num(b, "records_per_s", s.rate, 1);
    if (s.share >= 0)
        lp_json_put_num(b, "share", s.share, 4);
    if (s.eta >= 0)
        lp_json_put_int(b, "eta_s", s.eta);
    if (run->progress_note)
        run->progress_note(run, &note);
    if (note.len)
        lp_json_put_str(b, "providers", lp_buf_view(&note));
    lp_buf_free(&note);
    lp_buf_add(b, "}\n", 2);
    lp_log_redact(b);
}

/* --- how it is shown ---------------------------------------------------------------------------
 */

static size_t columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return 79;
    return size.ws_col - 1u < MAX_COLUMNS ? size.ws_col - 1u : MAX_COLUMNS;
}

/* One line of plain ASCII: what a provider or a terminal could be confused by becomes "?". */
static void put_line(struct lp_progress *p, struct lp_run *run, size_t width)
{
    struct lp_buf line = {0};
    describe(run, &line);
    for (size_t i = 0; i < line.len; i++)
        if (line.p[i] < 0x20 || line.p[i] > 0x7e)
            line.p[i] = '?';
    lp_buf_add(&p->text, line.p, line.len < width ? line.len : width);
    lp_buf_free(&line);
}

static void draw(struct lp_progress *p, struct lp_run *run)
{
    lp_buf_reset(&p->text);
    if (p->style == JSON) {
        describe_json(run, &p->text);
    } else if (p->style == BAR) {
        lp_buf_puts(&p->text, p->color ? "\r\033[2m" : "\r");
        put_line(p, run, columns());
        lp_buf_puts(&p->text, p->color ? "\033[0m\033[K" : "\033[K");
        p->shown = true;
    } else {
        put_line(p, run, SIZE_MAX);
        lp_buf_byte(&p->text, '\n');
    }
    write_text(p);
}

void lp_progress_tick(struct lp_progress *p, struct lp_run *run)
{
    if (p->style == NONE)
        return;
    int64_t now = lp_clock_mono();
    if (p->next == 0)
        p->next = run->started_mono + FIRST_MS;
    if (now < p->next)
        return;
    p->next = now + (p->style == BAR ? REDRAW_MS : REPORT_MS);
    draw(p, run);
}

void lp_progress_show(struct lp_progress *p, struct lp_run *run)
{
    draw(p, run);
}

void lp_progress_clear(struct lp_progress *p)
{
    if (!p->shown)
        return;
    p->shown = false;
    lp_buf_reset(&p->text);
    lp_buf_puts(&p->text, "\r\033[K");
    write_text(p);
}

void lp_progress_del(struct lp_progress *p)
{
    if (!p)
        return;
    lp_progress_clear(p);
    lp_log_before(NULL, NULL);
    lp_buf_free(&p->text);
    free(p);
}
