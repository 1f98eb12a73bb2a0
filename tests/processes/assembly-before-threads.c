// Inline assembly on variables that threads race for later: it runs before there is a second thread, and is no matter then.
#include <pthread.h>
#include <stdio.h>

static int shared, table[64];

static void *run(void *arg) {
    for (int i = 0; i < 64; i++) table[i] += *(int *)arg;
    shared = 5;
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t t;
    int by = 3;
    for (int i = 0; i < 64; i++) {
        table[i] = i;
        __asm__ volatile("addl %1, %0" : "+m"(table[i]) : "r"(i));
    }
    __asm__ volatile("movl $7, %0" : "=m"(shared));
    printf("%d %d\n", shared, table[9]);
    if (pthread_create(&t, NULL, run, &by) != 0) return 1;
    table[5]++;
    pthread_join(t, NULL);
    printf("%d %d\n", shared, table[9]);
    return 0;
}
