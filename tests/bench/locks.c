/*
 * locks ROUNDS: what mutexes cost. Two threads; each takes and gives back 1,000 mutexes of its own in every round, and once
 * per round one mutex that both take. Prints the acquisitions of uncontended mutexes, and the nanoseconds of one (the
 * smaller of the two threads' means, with one contended acquisition in a thousand in it).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MUTEXES = 1000 };

struct own {
    pthread_mutex_t lock;
    long count;
};

static struct own own[2][MUTEXES];
static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;
static long rounds, total;
static double seconds[2];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *work(void *argument)
{
    long me = (long)argument, handed = 0;
    double started = now();
    for (long r = 0; r < rounds; r++) {
        for (int i = 0; i < MUTEXES; i++) {
            pthread_mutex_lock(&own[me][i].lock);
            own[me][i].count++;
            pthread_mutex_unlock(&own[me][i].lock);
        }
        pthread_mutex_lock(&shared);
        handed += total++;
        pthread_mutex_unlock(&shared);
    }
    seconds[me] = now() - started;
    return (void *)handed;
}

int main(int count, char **words)
{
    pthread_t threads[2];
    rounds = count > 1 ? atol(words[1]) : 20000;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < MUTEXES; i++)
            pthread_mutex_init(&own[k][i].lock, NULL);
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    double best = seconds[0] < seconds[1] ? seconds[0] : seconds[1];
    printf("%ld acquisitions, %.3f ns each\n", rounds * MUTEXES * 2, best * 1e9 / (double)(rounds * MUTEXES));
    return 0;
}
