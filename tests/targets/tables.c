// Tables that only another table mentions, written by a function of the environment: none of them counts as replayed memory.
//# target: look:!main:!fill
//# target: look:main:!fill
#include <stdio.h>
#include <unistd.h>

struct row { const char *name; int value; struct row *more; };

static struct row inner_a[] = { { "a", 1, 0 }, { "b", 2, 0 }, { 0, 0, 0 } };
static struct row inner_b[] = { { "c", 3, 0 }, { 0, 0, 0 } };
static struct row inner_c[] = { { "d", 4, 0 }, { 0, 0, 0 } };
static struct row *tables[] = { inner_a, inner_b, inner_c, 0 };
static int seen;

__attribute__((noinline)) static void fill(int step) {
    for (struct row **t = tables; *t; t++)
        for (struct row *r = *t; r->name; r++) r->value += step * (int)getpid();
}

__attribute__((noinline)) static void look(int which) {
    for (struct row *r = tables[which % 3]; r->name; r++) seen = seen * 31 + r->value + r->name[0];
}

int main(void) {
    for (int i = 0; i < 6; i++) {
        fill(i);
        look(i);
    }
    printf("%d\n", seen != 0);
    return 0;
}
