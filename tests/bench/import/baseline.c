/* The bare loop contacts-import is measured against: libcsv over a file, counting bytes only. */
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct count {
    unsigned long long bytes, cells, rows;
};

static void cell(void *p, size_t n, void *arg)
{
    struct count *c = arg;
    (void)p;
    c->bytes += n;
    c->cells++;
}

static void row(int ch, void *arg)
{
    struct count *c = arg;
    (void)ch;
    c->rows++;
}

int main(int argc, char **argv)
{
    static char buf[256 * 1024];
    struct csv_parser parser;
    struct count c = {0};
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : 0;
    ssize_t n;

    if (fd < 0 || csv_init(&parser, 0) != 0)
        return 1;
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        if (csv_parse(&parser, buf, (size_t)n, cell, row, &c) != (size_t)n)
            return 1;
    csv_fini(&parser, cell, row, &c);
    csv_free(&parser);
    printf("%llu bytes in %llu cells, %llu rows\n", c.bytes, c.cells, c.rows);
    return n < 0;
}
