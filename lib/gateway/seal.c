#include "seal.h"

#include "leadpipe/buf.h"
#include "leadpipe/hash.h"

static void put_part(struct lp_buf *b, struct lp_str part)
{
    lp_buf_str(b, part);
    lp_buf_byte(b, '\n');
}

/* What format 1 had a checksum over. */
static void put_core(struct lp_buf *b, struct lp_str request, const struct lp_cache_row *row)
{
    put_part(b, row->outcome);
    lp_buf_printf(b, "%lld\n", (long long)row->until);
    lp_buf_str(b, request);
    put_part(b, row->data);
    lp_buf_str(b, row->confidence);
}

int64_t lp_cache_crc(struct lp_str request, const struct lp_cache_row *row)
{
    struct lp_buf b = {0};
    put_core(&b, request, row);
    lp_buf_printf(&b, "\n%lld\n", (long long)row->at);
    lp_buf_str(&b, row->detail);
    int64_t crc = lp_crc32(b.p, b.len);
    lp_buf_free(&b);
    return crc;
}

struct lp_cache_row lp_cache_row_of(struct lp_stmt *q)
{
    return (struct lp_cache_row){.outcome = lp_stmt_text(q, 0),
        .data = lp_stmt_text(q, 1),
        .confidence = lp_stmt_text(q, 2),
        .detail = lp_stmt_text(q, 3),
        .at = lp_stmt_int(q, 4),
        .until = lp_stmt_int(q, 5)};
}

/* Of the current row, if it is sound; else the checksum it has. */
static int64_t new_seal(struct lp_stmt *q)
{
    struct lp_cache_row row = lp_cache_row_of(q);
    struct lp_str request = lp_stmt_blob(q, 7);
    int64_t old = lp_stmt_int(q, 6);
    struct lp_buf b = {0};
    put_core(&b, request, &row);
    bool sound = lp_crc32(b.p, b.len) == old;
    lp_buf_free(&b);
    return sound ? lp_cache_crc(request, &row) : old;
}

int lp_cache_seal(struct lp_db *db, struct lp_err *err)
{
    struct lp_stmt *q =
        lp_db_stmt(db, "SELECT outcome, data, confidence, detail, at, until, crc, request, id"
                       " FROM cache WHERE id > ? ORDER BY id LIMIT 1");
    int64_t id = 0;
    int r;
    while (lp_stmt_bind(q, "i", id), (r = lp_stmt_row(q, err)) > 0) {
        int64_t seal = new_seal(q);
        id = lp_stmt_int(q, 8);
        lp_stmt_reset(q);
        if (lp_db_run(db, err, "UPDATE cache SET crc = ? WHERE id = ?", "ii", seal, id))
            return -1;
    }
    return r;
}
