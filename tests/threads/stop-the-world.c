// A collector of garbage stops all other threads by a signal while it has the lock that some of these wait for: their handlers run there.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { THREADS = 4, ROUNDS = 40 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t all;
static pthread_t thread[THREADS];
static sem_t answers;
static volatile sig_atomic_t resumed;
static long heap, collected;
static int kind;

static void stop(int signal)
{
    int seen = resumed;
    sigset_t set;
    (void)signal;
    sem_post(&answers);
    sigfillset(&set);
    sigdelset(&set, SIGUSR2);
    while (resumed == seen)
        sigsuspend(&set);
    sem_post(&answers);
}

static void resume(int signal)
{
    (void)signal;
}

static void tell_others(int me, int signal)
{
    for (int i = 0; i < THREADS; i++)
        if (i != me)
            pthread_kill(thread[i], signal);
    for (int i = 1; i < THREADS; i++)
        sem_wait(&answers);
}

static void collect(int me)
{
    tell_others(me, SIGUSR1);
    collected++;
    resumed++;
    tell_others(me, SIGUSR2);
}

static void *work(void *arg)
{
    int me = (int)(long)arg;
    struct timespec late = { time(NULL) + 1000, 0 };
    pthread_barrier_wait(&all);
    for (int i = 0; i < ROUNDS; i++) {
        switch (kind) {
        case 0: pthread_mutex_lock(&lock); break;
        case 1: pthread_rwlock_wrlock(&table); break;
        default: pthread_mutex_timedlock(&lock, &late); break;
        }
        if (++heap % 7 == 0)
            collect(me);
        if (kind == 1)
            pthread_rwlock_unlock(&table);
        else
            pthread_mutex_unlock(&lock);
        if (kind == 1) {
            pthread_rwlock_rdlock(&table);
            pthread_rwlock_unlock(&table);
        }
    }
    pthread_barrier_wait(&all);
    return NULL;
}

int main(void)
{
    struct sigaction action = { .sa_handler = stop };
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = resume;
    sigaction(SIGUSR2, &action, NULL);
    sem_init(&answers, 0, 0);
    pthread_barrier_init(&all, NULL, THREADS);
    for (kind = 0; kind < 3; kind++) {
        for (long i = 0; i < THREADS; i++)
            pthread_create(&thread[i], NULL, work, (void *)i);
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
        printf("heap %ld, collected %ld\n", heap, collected);
        fflush(stdout);
    }
    return 0;
}
