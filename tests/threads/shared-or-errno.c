// What threads race for, by a pointer that may also lead to variables of the library, which a replay has elsewhere: `errno` and `optind`.
//# log-below: 180000
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
    int *last;
    long *place;
    int number;
    char text[40];
};

static struct item *shared;

// Stores and loads through a pointer of either kind.
__attribute__((noinline)) static long bump(int *at, int by)
{
    *at += by;
    return *at;
}

static long run(struct item *item, int *own, int *global)
{
    long sum = 0;
    char text[40];
    for (int i = 0; i < 20000; i++) {
        sum += bump(&item->number, 1) & 0xff;
        sum += bump(i & 1 ? item->last : own, i % 3);
        if (i % 4 == 0)
            sum += bump(global, 0);
        memcpy(text, i % 512 ? item->text : (char *)own, sizeof(int));
        sum += text[1];
        if (i % 1000 == 0)
            errno = 0;
    }
    return sum;
}

static void *work(void *unused)
{
    (void)unused;
    close(-1);
    return (void *)run(shared, &errno, &optind);
}

int main(void)
{
    shared = malloc(sizeof *shared);
    memset(shared, 1, sizeof *shared);
    int first = 0;
    shared->last = &shared->number;
    shared->number = 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    long mine = run(shared, &first, &optind), sum = 0;
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    volatile long kept = mine + sum;
    (void)kept;
    puts(shared->number > 0 && errno == 0 ? "done" : "not done");
}
