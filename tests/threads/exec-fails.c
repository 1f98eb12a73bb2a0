// exec that fails while other threads write their logs: nothing of theirs is lost.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *reads(void *out) {
    unsigned long sum = 0;
    static _Thread_local char block[80 << 10];
    FILE *f = fopen("/dev/urandom", "r");
    if (!f) return 0;
    for (int i = 0; i < 400; i++) {
        if (fread(block, 1, sizeof block, f) != sizeof block) break;
        for (unsigned j = 0; j < sizeof block; j += 1024) sum = sum * 31 + (unsigned char)block[j];
    }
    fclose(f);
    *(unsigned long *)out = sum;
    return out;
}

int main(void) {
    pthread_t t[2];
    static unsigned long sums[2];
    for (int i = 0; i < 2; i++) pthread_create(&t[i], 0, reads, &sums[i]);
    int failed = 0;
    for (int i = 0; i < 2000; i++) failed += execl("/nonexistent/program", "program", (char *)0) == -1;
    for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
    printf("%d failed, %lx %lx\n", failed, sums[0], sums[1]);
    return 0;
}
