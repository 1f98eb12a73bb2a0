// A buffer for setjmp on the heap: made by the environment, filled by a replayed function, used by both.
//# target: work:!main:!make
//# target: work:back:!main:!make
//# target: work:!make
//# status: 7
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

static jmp_buf *buffer;
static int steps;

__attribute__((noinline)) static void make(void) { buffer = malloc(sizeof *buffer); }

__attribute__((noinline)) static void back(int n) {
    volatile int here = getpid() > 0;
    longjmp(*buffer, n + here);
}

__attribute__((noinline)) static int work(int n) {
    int r = setjmp(*buffer);
    steps++;
    if (r == 0) back(n);
    return r + steps;
}

int main(void) {
    make();
    return work(4);
}
