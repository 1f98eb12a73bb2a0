// Replayed code and threads of the environment hand work to each other under locks, conditions and semaphores that both use: it is the same object that both lock.
//# target: put:!work
//# target: put:phase_ends:!work:!main
//# target: counts:put:!work
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SLOTS = 64, WORKERS = 3, JOBS = 40 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static sem_t room;
static int slot[SLOTS], from, to, ends;
static long total, sum;

__attribute__((noinline)) static void put(int job) {
    sem_wait(&room);
    pthread_mutex_lock(&lock);
    slot[to++ % SLOTS] = job + (time(NULL) < 0);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) static void phase_ends(void) {
    pthread_mutex_lock(&lock);
    ends = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) static void counts(long n) {
    pthread_rwlock_wrlock(&table);
    sum += n;
    pthread_rwlock_unlock(&table);
}

static void *work(void *arg) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (from == to && !ends)
            pthread_cond_wait(&changed, &lock);
        if (from == to)
            break;
        int job = slot[from++ % SLOTS];
        total += job;
        pthread_mutex_unlock(&lock);
        sem_post(&room);
        pthread_rwlock_wrlock(&table);
        sum += job;
        pthread_rwlock_unlock(&table);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    sem_init(&room, 0, 3);
    for (int phase = 0; phase < 3; phase++) {
        pthread_t thread[WORKERS];
        ends = 0;
        for (int i = 0; i < WORKERS; i++)
            pthread_create(&thread[i], NULL, work, NULL);
        for (int i = 0; i < JOBS; i++) {
            put(i);
            counts(1);
        }
        phase_ends();
        for (int i = 0; i < WORKERS; i++)
            pthread_join(thread[i], NULL);
    }
    printf("total %ld, sum %ld\n", total, sum);
    return total == 3 * JOBS * (JOBS - 1) / 2 && sum == total + 3 * JOBS ? 0 : 1;
}
