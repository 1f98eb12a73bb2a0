/*
 * loads ROUNDS: what loads cost of memory that threads may race for. Two threads walk a list of 1,000 nodes in every round, and
 * one of them changes a node per round. Prints the loads, and the nanoseconds of one (the smaller of the two threads' means).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NODES = 1000, LOADS = 7 };

struct node {
    struct node *next;
    long first, second, third;
    double ratio;
    int small;
    char tag;
};

static struct node *list;
static long rounds, sums[2];
static double seconds[2];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) static long walk(const struct node *n)
{
    long sum = 0;
    for (; n; n = n->next)
        sum += n->first + n->second + n->third + (long)n->ratio + n->small + n->tag;
    return sum;
}

static void *work(void *argument)
{
    long me = (long)argument;
    struct node *changes = list;
    double started = now();
    for (long r = 0; r < rounds; r++) {
        sums[me] += walk(list);
        if (me == 0) {
            changes->first++, changes->second--, changes->third = r, changes->ratio = (double)r, changes->small++, changes->tag++;
            changes = changes->next ? changes->next : list;
        }
    }
    seconds[me] = now() - started;
    return NULL;
}

int main(int count, char **words)
{
    pthread_t threads[2];
    rounds = count > 1 ? atol(words[1]) : 50000;
    for (int i = 0; i < NODES; i++) {
        struct node *n = calloc(1, sizeof *n);
        n->next = list;
        list = n;
    }
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    double best = seconds[0] < seconds[1] ? seconds[0] : seconds[1];
    printf("%ld loads, %.3f ns each\n", rounds * NODES * LOADS * 2, best * 1e9 / (double)(rounds * NODES * LOADS));
    return 0;
}
