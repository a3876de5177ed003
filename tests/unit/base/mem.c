/* mem: zeroed or not, aligned, bounded, and how a program without memory ends */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadpipe/log.h"
#include "leadpipe/mem.h"

/* Runs `f` in a process of its own; its standard error goes to `said`; returns the exit status. */
static int in_child(void (*f)(void), char *said, size_t cap)
{
    int fd[2], status;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        f();
        _exit(0);
    }
    close(fd[1]);
    ssize_t n, at = 0;
    while ((n = read(fd[0], said + at, cap - 1 - (size_t)at)) > 0)
        at += n;
    said[at] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ask_too_much(void)
{
    lp_log_init("greedy", LP_LOG_NORMAL);
    lp_realloc_array(NULL, SIZE_MAX / 2, 4);
}

static void out_of_memory_ends_with_74(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(in_child(ask_too_much, said, sizeof said), 74);
    assert_string_equal(said, "greedy: out of memory\n");
}

/* Asks for too much itself, which must not begin it again. */
static void last_words(void)
{
    if (write(STDERR_FILENO, "last, ", 6) != 6)
        _exit(1);
    ask_too_much();
}

static void ask_with_last_words(void)
{
    lp_mem_at_end(last_words);
    ask_too_much();
}

static void what_comes_last_comes_once(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(in_child(ask_with_last_words, said, sizeof said), 74);
    assert_string_equal(said, "last, greedy: out of memory\n");
}

#ifdef LP_TEST_ALLOC
static void allocate_thrice(void)
{
    setenv("LEADPIPE_FAIL_ALLOC", "3", 1);
    for (int i = 0; i < 3; i++) {
        if (write(STDERR_FILENO, ".", 1) != 1)
            _exit(1);
        free(lp_alloc(1));
    }
}

static void nth_allocation_fails(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(in_child(allocate_thrice, said, sizeof said), 74);
    assert_string_equal(said, "...leadpipe: out of memory\n");
}
#endif

static void heap(void **state)
{
    (void)state;
    char *p = lp_alloc(1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    p = lp_realloc(p, 2000);
    assert_int_equal(p[999], 0);
    free(p);
    free(lp_alloc(0));
    free(lp_realloc(NULL, 0));
    p = lp_strndup("abcdef", 3);
    assert_string_equal(p, "abc");
    free(p);
    p = lp_strndup("ab", 30);
    assert_string_equal(p, "ab");
    free(p);
}

static size_t blocks_of(struct lp_arena *a)
{
    struct block {
        struct block *next;
    };
    size_t n = 0;
    for (struct block *b = (struct block *)a->head; b; b = b->next)
        n++;
    return n;
}

static void arena_gives_aligned_room(void **state)
{
    (void)state;
    struct lp_arena a = {0};
    char *seen[500];
    for (size_t i = 0; i < 500; i++) {
        seen[i] = lp_arena_alloc(&a, i);
        assert_int_equal((uintptr_t)seen[i] % 8, 0);
        memset(seen[i], (int)(i & 127), i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_equal(seen[i][j], i & 127);
    assert_true(a.used >= 499 * 500 / 2);
    assert_true(blocks_of(&a) < 8); /* blocks double */
    assert_string_equal(lp_arena_dup(&a, "ab\0c", 2), "ab");
    struct lp_str s = lp_arena_str(&a, LP_STR("hello"));
    assert_true(lp_str_is(s, "hello"));
    assert_null(lp_arena_str(&a, (struct lp_str){0}).p);
    lp_arena_free(&a);
    assert_null(a.head);
}

static void arena_forgets_the_huge(void **state)
{
    (void)state;
    struct lp_arena a = {0};
    void *first = lp_arena_alloc(&a, 100);
    lp_arena_reset(&a);
    assert_ptr_equal(lp_arena_alloc(&a, 100), first); /* a small block is kept */
    lp_arena_alloc(&a, 30 << 20);
    lp_arena_alloc(&a, 200 << 10);
    lp_arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_int_equal(blocks_of(&a), 1);
    assert_ptr_equal(lp_arena_alloc(&a, 100), first);
    lp_arena_free(&a);
    lp_arena_alloc(&a, 1 << 20);
    lp_arena_reset(&a);
    assert_null(a.head);
    lp_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_memory_ends_with_74),
        cmocka_unit_test(what_comes_last_comes_once),
#ifdef LP_TEST_ALLOC
        cmocka_unit_test(nth_allocation_fails),
#endif
        cmocka_unit_test(heap),
        cmocka_unit_test(arena_gives_aligned_room),
        cmocka_unit_test(arena_forgets_the_huge),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
