// The recording ends between setjmp and longjmp, and the program goes on.
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf back;
static int count = 41;

static void last(int status, void *arg) {
    count = 0;
}

int main(void) {
    if (setjmp(back)) {
        printf("back with %d\n", ++count);
        return 3;
    }
    puts("first");
    on_exit(last, NULL);
    longjmp(back, 1);
}
