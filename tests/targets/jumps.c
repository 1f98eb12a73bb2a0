// longjmp across frames of the other side, in every direction.
//# target: main:middle_replay:deep_replay:!first_env:!second_env
//# target: middle_replay:deep_replay:!main:!first_env:!second_env
//# target: deep_replay:!main
//# target: main:!deep_replay
//# target: main:first_env:!second_env:!deep_replay
//# status: 35
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static jmp_buf in_main, in_first, in_middle;
static int log_[128], n;
static void note(int v) { log_[n++ % 128] = v; }

__attribute__((noinline)) static void deep_replay(int how) {
    char here;
    note((int)((unsigned long)&here & 0xfff));
    if (how == 1) longjmp(in_main, 11);
    if (how == 2) longjmp(in_first, 12);
    if (how == 3) longjmp(in_middle, 13);
    note(how);
}

__attribute__((noinline)) static void second_env(int how) {
    volatile int pid = getpid() > 0;
    if (how == 4) longjmp(in_main, 14 * pid);
    if (how == 5) longjmp(in_first, 15 * pid);
    if (how == 6) longjmp(in_middle, 16 * pid);
    deep_replay(how);
}

__attribute__((noinline)) static int middle_replay(int how) {
    int r = setjmp(in_middle);
    note(100 + r);
    if (r) return r;
    second_env(how);
    note(how * 3);
    return how;
}

__attribute__((noinline)) static int first_env(int how) {
    volatile int got = 0;
    int r = setjmp(in_first);
    if (r) return r + got;
    got = 1000 * (getpid() > 0);
    return middle_replay(how) + got;
}

int main(void) {
    for (volatile int how = 0; how < 8; how++) {
        int r = setjmp(in_main);
        note(200 + r);
        if (r == 0) note(first_env(how));
    }
    unsigned check = 0;
    for (int i = 0; i < 128; i++) check = check * 33 + (unsigned)log_[i];
    printf("%d %d\n", n, check != 0);
    return n % 64;
}
