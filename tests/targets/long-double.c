// Replayed functions that return a long double are called back more often than the FPU has registers.
//# target: twice:use:!main:!caller
//# target: main:twice:use:!caller
//# status: 79
#include <unistd.h>

static long double seen;
static int sum;

__attribute__((noinline)) static long double twice(long double x) { return seen = x * 2; }

__attribute__((noinline)) static void caller(int n) {
    for (int i = 0; i < n; i++) {
        long double r = twice((long double)(i + (getpid() < 0)));
        if (r < 0) return;
    }
}

__attribute__((noinline)) static int use(int n) {
    long double a = seen, b = a + n, c = a * b;
    sum += (int)(a + b + (c > 0));
    return sum;
}

int main(void) {
    caller(20);
    return use(3) - (int)(seen / 38);
}
