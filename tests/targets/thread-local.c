// Variables of the thread are first used by the environment: they have their place all the same where what is replayed allocates and memory is compared.
//# target: allocates:!main:!first
//# target: allocates:uses:!main:!first
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local int mine;
static _Thread_local char text[100];

__attribute__((noinline)) static int allocates(int n) {
    int *p = malloc(100);
    *p = n;
    printf("%d at %lx\n", *p, (unsigned long)p & 0xffffff);
    n = *p;
    free(p);
    return n;
}

__attribute__((noinline)) static int first(int n) {
    mine += n;
    strcpy(text, "text");
    return mine;
}

__attribute__((noinline)) static int uses(int n) {
    return mine + n;
}

static void *thread(void *arg) {
    return (void *)(long)first(*(int *)arg);
}

int main(int argc, char **argv) {
    pthread_t t;
    void *value = argv;
    int n = first(argc);
    if (pthread_create(&t, NULL, thread, &argc) == 0)
        pthread_join(t, &value);
    n = allocates(n) + first(5);
    allocates(n + (int)(long)value);
    printf("%d\n", uses(n));
    return 0;
}
