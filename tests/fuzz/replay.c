/*
 * replay - gives the files named, one after the other, to a fuzz target
 *
 * Links with any tests/fuzz/NAME_fuzz.c in place of libFuzzer, so that seeds and what was once
 * found are tests of the plain and the sanitizer build, with any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        perror(path);
        return 1;
    }
    long n = ftell(f);
    rewind(f);
    /* Exactly as large as the file, so that a read past its end is seen. */
    uint8_t *data = malloc(n > 0 ? (size_t)n : 1);
    int bad = n < 0 || !data || fread(data, 1, (size_t)n, f) != (size_t)n;
    if (!bad)
        LLVMFuzzerTestOneInput(data, (size_t)n);
    free(data);
    fclose(f);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++)
        bad |= replay(argv[i]);
    return bad;
}
