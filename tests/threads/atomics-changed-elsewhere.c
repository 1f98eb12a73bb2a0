// Atomic operations, in a program without threads, on what a function that nobody annotated may write: what they find is logged.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct state {
    _Atomic int flag;
    int n;
    _Atomic(long) count;
    _Atomic(struct state *) next;
    _Atomic unsigned char small;
};

static struct state here;

void nobody_knows(struct state *s);
__asm__(".globl nobody_knows\nnobody_knows:\nmov $41, %eax\nmov %eax, 4(%rdi)\nadd %eax, (%rdi)\nadd %rax, 8(%rdi)\nmov %al, 24(%rdi)\nret");

static void work(struct state *s) {
    for (int i = 0; i < 3; i++) {
        atomic_fetch_add(&s->flag, 3);
        nobody_knows(s);
        int old = atomic_exchange(&s->flag, 7 + i), want = 7;
        printf("%d %d %d\n", old, atomic_load(&s->flag), s->n);
        int swapped = atomic_compare_exchange_strong(&s->flag, &want, 9);
        printf("%d %d %d\n", swapped, want, atomic_load(&s->flag));
        printf("%ld %d\n", atomic_fetch_sub(&s->count, 1), atomic_fetch_or(&s->small, 64));
        printf("%d\n", atomic_exchange(&s->next, s) == s);
    }
}

int main(void) {
    struct state *there = calloc(1, sizeof *there);
    work(&here);
    work(there);
    free(there);
    return 0;
}
