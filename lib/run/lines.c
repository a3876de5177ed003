/* lines - see leadpipe/lines.h */
#include "leadpipe/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/signals.h"

#define BLOCK ((size_t)256 * 1024) /* of one read */
#define HEAD  ((size_t)64 * 1024)  /* what is kept of a line over the maximum */
#define EXTRA 4                    /* bytes beside the line's own: a BOM and a "\r" */

struct lp_lines {
    char **files;     /* ended by NULL; no file at all is standard input */
    size_t next;      /* the file to open next */
    const char *file; /* the one being read, "-" for standard input */
    int fd;           /* -1: none open */
    bool regular, eof;
    char *buf;
    size_t cap, start, scan, end; /* start: of the next line; no "\n" between start and scan */
    size_t max_line;
    uint64_t at;     /* offset of buf[start] in the file */
    uint64_t number; /* lines of this file handed out or skipped */
    uint64_t blank;
    uint64_t before;  /* bytes of the files that are finished */
    uint64_t total;   /* 0: unknown */
    bool skipping;    /* in a line that is too long: buf[start..start+head) is kept */
    uint64_t skipped; /* its length so far */
    size_t head;      /* bytes of it that are kept */
    bool (*idle)(void *);
    void *idle_arg;
    bool (*stop)(void);
    int wake_ms, watch;
};

static char *standard_input[] = {(char[]){"-"}, NULL};

/* The sum of all sizes, if every input is a regular file. */
static uint64_t size_of_all(char **files)
{
    uint64_t total = 0;
    for (char **f = files; *f; f++) {
        struct stat st;
        bool standard = strcmp(*f, "-") == 0;
        if ((standard ? fstat(STDIN_FILENO, &st) : stat(*f, &st)) != 0 || !S_ISREG(st.st_mode))
            return 0;
        off_t at = standard ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
        total += (uint64_t)(at < st.st_size ? st.st_size - at : 0);
    }
    return total;
}

struct lp_lines *lp_lines_new(char **files, size_t max_line)
{
    struct lp_lines *in = lp_alloc(sizeof *in);
    in->files = files && files[0] ? files : standard_input;
    in->fd = -1;
    in->max_line = max_line;
    in->total = size_of_all(in->files);
    in->wake_ms = -1;
    in->watch = -1;
    return in;
}

static void close_file(struct lp_lines *in)
{
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    in->fd = -1;
    in->before += in->at;
    in->at = in->number = 0;
    in->start = in->scan = in->end = 0;
}

void lp_lines_del(struct lp_lines *in)
{
    if (!in)
        return;
    close_file(in);
    free(in->buf);
    free(in);
}

void lp_lines_on_idle(struct lp_lines *in, bool (*idle)(void *), void *arg)
{
    in->idle = idle;
    in->idle_arg = arg;
}

void lp_lines_on_wait(struct lp_lines *in, int wake_ms, int watch)
{
    in->wake_ms = wake_ms;
    in->watch = watch;
}

void lp_lines_on_stop(struct lp_lines *in, bool (*stop)(void))
{
    in->stop = stop;
}

static bool asked_to_stop(const struct lp_lines *in)
{
    return in->stop && in->stop();
}

static bool idle(const struct lp_lines *in)
{
    return !in->idle || in->idle(in->idle_arg);
}

static int cannot(const struct lp_lines *in, const char *what, struct lp_err *err)
{
    if (strcmp(in->file, "-") == 0)
        return lp_err_errno(err, "cannot %s standard input", what);
    return lp_err_errno(err, "cannot %s %s", what, in->file);
}

/* LP_LINE: a file is open. */
static enum lp_line_kind open_next(struct lp_lines *in, struct lp_err *err)
{
    struct stat st;
    if (!in->files[in->next])
        return LP_LINE_EOF;
    in->file = in->files[in->next];
    if (strcmp(in->file, "-") == 0) {
        in->fd = STDIN_FILENO;
    } else {
        /* Opening a named pipe waits for its writer. */
        if (stat(in->file, &st) == 0 && S_ISFIFO(st.st_mode) && !idle(in))
            return LP_LINE_STOP;
        while ((in->fd = open(in->file, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0 && errno == EINTR)
            if (asked_to_stop(in))
                return LP_LINE_STOP;
    }
    in->next++;
    in->eof = false;
    if (in->fd < 0) {
        cannot(in, "open", err);
        return LP_LINE_FAIL;
    }
    in->regular = fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode);
    return LP_LINE;
}

/* LP_LINE: a read will not block. A poll that blocks is never entered with output held back. */
static enum lp_line_kind wait_ready(struct lp_lines *in, bool wait)
{
    struct pollfd p[3] = {{.fd = in->fd, .events = POLLIN},
        {.fd = lp_signals_fd(), .events = POLLIN}, {.fd = in->watch}};
    if (in->regular || poll(p, 1, 0) > 0)
        return LP_LINE;
    if (!wait)
        return LP_LINE_WAIT;
    for (;;) {
        if (asked_to_stop(in) || !idle(in))
            return LP_LINE_STOP;
        if (poll(p, 3, in->wake_ms) > 0) {
            if (p[1].revents)
                lp_signals_drain();
            if (p[0].revents)
                return LP_LINE;
        }
    }
}

/* Room for a read, with what is left of the last one moved to the front. */
static void make_room(struct lp_lines *in)
{
    if (in->start > 0 && (in->start == in->end || in->cap - in->end < BLOCK)) {
        memmove(in->buf, in->buf + in->start, in->end - in->start);
        in->scan -= in->start;
        in->end -= in->start;
        in->start = 0;
    }
    if (in->cap - in->end >= BLOCK)
        return;
    size_t cap = in->cap * 2, enough = in->max_line + 2 * BLOCK;
    if (cap > enough)
        cap = enough;
    if (cap < in->end + BLOCK)
        cap = in->end + BLOCK;
    in->buf = lp_realloc(in->buf, cap);
    in->cap = cap;
}

/* One read. LP_LINE: there are more bytes, or eof is set. */
static enum lp_line_kind fill(struct lp_lines *in, bool wait, struct lp_err *err)
{
    for (;;) {
        if (asked_to_stop(in))
            return LP_LINE_STOP;
        enum lp_line_kind kind = wait_ready(in, wait);
        if (kind != LP_LINE)
            return kind;
        make_room(in);
        ssize_t n = read(in->fd, in->buf + in->end, BLOCK);
        if (n > 0)
            in->end += (size_t)n;
        in->eof = n == 0;
        if (n >= 0)
            return LP_LINE;
        /* EAGAIN: another program of the pipe has set O_NONBLOCK on what we share. */
        if (errno != EINTR && errno != EAGAIN) {
            cannot(in, "read", err);
            return LP_LINE_FAIL;
        }
    }
}

/* Hands out buf[start..stop), a line of `length` bytes, and moves on to `next`. */
static enum lp_line_kind hand_out(
    struct lp_lines *in, size_t stop, size_t next, uint64_t length, struct lp_line *line)
{
    *line = (struct lp_line){.text = {in->buf + in->start, stop - in->start},
        .file = in->file,
        .number = ++in->number,
        .at = in->at,
        .length = length};
    in->at += length + (next - stop);
    in->start = in->scan = next;
    if (in->number == 1 && line->text.n >= 3 && memcmp(line->text.p, "\xef\xbb\xbf", 3) == 0) {
        line->text = (struct lp_str){line->text.p + 3, line->text.n - 3};
        line->at += 3;
        line->length -= 3;
    }
    if (!in->skipping && line->text.n > 0 && line->text.p[line->text.n - 1] == '\r')
        line->length = --line->text.n;
    in->skipping = false;
    if (line->length <= in->max_line)
        return LP_LINE;
    if (line->text.n > HEAD)
        line->text.n = HEAD;
    return LP_LINE_LONG;
}

static bool is_blank(struct lp_str s)
{
    if (s.n > 0 && s.p[0] == '{')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
            return false;
    return true;
}

/* The line is over the maximum: its head stays, the rest makes room. */
static void skip_more(struct lp_lines *in)
{
    size_t have = in->end - in->start;
    if (in->skipping) {
        in->skipped += have - in->head;
    } else {
        in->skipping = true;
        in->skipped = have;
        in->head = have < HEAD ? have : HEAD;
    }
    in->end = in->scan = in->start + in->head;
}

/* A line out of the buffer. LP_LINE_WAIT: more bytes are needed. */
static enum lp_line_kind cut(struct lp_lines *in, struct lp_line *line)
{
    size_t fresh = in->end - in->scan;
    const char *nl = fresh ? memchr(in->buf + in->scan, '\n', fresh) : NULL;
    if (nl || (in->eof && in->end > in->start)) {
        size_t stop = nl ? (size_t)(nl - in->buf) : in->end;
        uint64_t length = stop - in->start;
        if (in->skipping)
            length += in->skipped - in->head;
        return hand_out(in, stop, nl ? stop + 1 : stop, length, line);
    }
    in->scan = in->end;
    size_t have = in->end - in->start;
    if (in->skipping || (have > EXTRA && have - EXTRA > in->max_line))
        skip_more(in);
    return LP_LINE_WAIT;
}

enum lp_line_kind lp_lines_next(
    struct lp_lines *in, bool wait, struct lp_line *line, struct lp_err *err)
{
    for (;;) {
        enum lp_line_kind kind = cut(in, line);
        if (kind == LP_LINE && is_blank(line->text)) {
            in->blank++;
            continue;
        }
        if (kind != LP_LINE_WAIT)
            return kind;
        if (in->fd >= 0 && in->eof)
            close_file(in);
        kind = in->fd < 0 ? open_next(in, err) : fill(in, wait, err);
        if (kind != LP_LINE)
            return kind;
    }
}

enum lp_line_kind lp_lines_chunk(struct lp_lines *in, struct lp_line *chunk, struct lp_err *err)
{
    *chunk = (struct lp_line){.text = {"", 0}};
    for (;;) {
        if (in->end > in->start) {
            size_t n = in->end - in->start;
            *chunk = (struct lp_line){
                .text = {in->buf + in->start, n}, .file = in->file, .at = in->at, .length = n};
            in->at += n;
            in->start = in->scan = in->end;
            return LP_LINE;
        }
        if (in->fd >= 0 && in->eof) {
            chunk->file = in->file;
            chunk->at = in->at;
            close_file(in);
            return LP_LINE_EOF;
        }
        enum lp_line_kind kind = in->fd < 0 ? open_next(in, err) : fill(in, true, err);
        if (kind != LP_LINE)
            return kind;
    }
}

int lp_lines_fd(const struct lp_lines *in)
{
    return in->fd;
}

bool lp_lines_pending(const struct lp_lines *in)
{
    if (in->end > in->scan && memchr(in->buf + in->scan, '\n', in->end - in->scan))
        return true;
    return in->fd >= 0 && in->eof && in->end > in->start;
}

uint64_t lp_lines_blank(const struct lp_lines *in)
{
    return in->blank;
}

void lp_lines_progress(const struct lp_lines *in, uint64_t *done, uint64_t *total)
{
    *done = in->before + in->at;
    *total = in->total;
}
