// Calls across the cut in both directions, nested: an environment function calls back, what it calls calls the
// environment again, with all kinds of arguments and results.
//# target: main:inner_replay:leaf_replay:!outer_env:!inner_env
//# target: inner_replay:!main:!outer_env:!inner_env
//# target: main:!inner_replay:!leaf_replay
//# target: leaf_replay:!main
//# target: main:outer_env:!inner_env
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct small { int a; float b; };
struct large { long v[5]; char name[11]; };
struct callback { int (*f)(struct callback *, int, double); int depth; long stamp; struct large seen; };

static int trail[64], steps;
static struct large kept;
static const char *told;

static long clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_nsec;
}

__attribute__((noinline)) static struct small leaf_replay(struct large by_value, long double wide, _Bool flag, char c) {
    struct small s = { (int)(by_value.v[4] % 1000) + (int)wide + flag + c, 0.5f * (float)by_value.v[0] };
    char here;
    trail[steps++ % 64] = (int)((unsigned long)&here % 4096);
    kept = by_value;
    return s;
}

__attribute__((noinline)) static int sum(int n, ...) {
    va_list l;
    va_start(l, n);
    int s = 0;
    while (n--) s += va_arg(l, int);
    va_end(l);
    return s;
}

__attribute__((noinline)) static struct large inner_env(struct callback *c, int n) {
    struct large l = { { clock_now(), n, 2, 3, clock_now() % 7 }, "inner" };
    struct small s = leaf_replay(l, 1.25L, n & 1, (char)n);
    l.v[1] += s.a + (long)s.b;
    c->stamp = clock_now();
    memcpy(&c->seen, &l, sizeof l);
    told = "inner_env was here";
    return l;
}

__attribute__((noinline)) static int inner_replay(struct callback *c, int n, double x) {
    char local[32];
    snprintf(local, sizeof local, "%d %.2f %p", n, x, (void *)local);
    trail[steps++ % 64] = (int)strlen(local) + local[0];
    if (n <= 0) return (int)x;
    struct large l = inner_env(c, n);
    trail[steps++ % 64] = (int)(l.v[1] % 97) + (int)(c->stamp % 5) + (int)strlen(told);
    return c->f(c, n - 1, x * 1.5) + sum(4, n, (int)l.v[3], l.name[0], 7);
}

__attribute__((noinline)) static long outer_env(struct callback *c, int n) {
    long before = clock_now();
    int r = c->f(c, n, (double)(before % 3) + 0.25);
    trail[steps++ % 64] = r;
    return r + sum(3, 1, 2, n) + (long)(before % 11);
}

int main(void) {
    struct callback c = { inner_replay, 3, 0, { { 0 }, "" } };
    long r = 0;
    for (int i = 0; i < 4; i++) {
        r += outer_env(&c, i);
        r ^= kept.v[1] + c.seen.v[4];
    }
    unsigned check = 0;
    for (int i = 0; i < 64; i++) check = check * 31 + (unsigned)trail[i];
    printf("%ld %d %s %s\n", r & 0, steps, told, kept.name);
    printf("%d\n", check == 0);
    return 0;
}
