// Children make anew by assignments what their parent used: a mutex that the fork itself took, one that nobody holds, a read-write lock that another thread reads
// under, a condition that others wait for. They need none of what these were.
//# children: print
//# children: beside threads
//# processes: 5
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAITING = 3 };
static struct {
    long before;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_rwlock_t table;
} shared = { 1, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_RWLOCK_INITIALIZER };
static pthread_mutex_t counted = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_barrier_t both;
static int waiting, go;

static void *waits(void *arg)
{
    pthread_mutex_lock(&shared.lock);
    waiting++;
    while (!go)
        pthread_cond_wait(&shared.changed, &shared.lock);
    waiting--;
    pthread_mutex_unlock(&shared.lock);
    return arg;
}

static void *wakes(void *arg)
{
    pthread_mutex_lock(&shared.lock);
    go = 1;
    pthread_cond_signal(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
    return arg;
}

static void *reads(void *arg)
{
    pthread_rwlock_rdlock(&shared.table);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    pthread_rwlock_unlock(&shared.table);
    return arg;
}

static void prepare(void)
{
    pthread_mutex_lock(&shared.lock);
    pthread_mutex_lock(&counted);
    pthread_mutex_lock(&counted);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&counted);
    pthread_mutex_unlock(&counted);
    pthread_mutex_unlock(&shared.lock);
}

static void in_child(void)
{
    shared.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    memset(&shared.changed, 0, sizeof shared.changed);
    shared.table = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    counted = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    waiting = go = 0;
}

static int works(int n)
{
    pthread_t waiter, waker;
    alarm(20);
    pthread_create(&waiter, NULL, waits, NULL);
    pthread_create(&waker, NULL, wakes, NULL);
    pthread_join(waiter, NULL);
    pthread_join(waker, NULL);
    pthread_rwlock_wrlock(&shared.table);
    pthread_mutex_lock(&counted);
    shared.before += n;
    printf("child %d: %ld %d %d\n", n, shared.before, waiting, go);
    fflush(stdout);
    pthread_mutex_unlock(&counted);
    pthread_rwlock_unlock(&shared.table);
    pthread_cond_destroy(&shared.changed);
    return n;
}

static int status_of(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// A child and a child of that.
static void forks(int n)
{
    pid_t child = fork();
    if (child == 0) {
        int sum = works(n);
        child = fork();
        exit(child == 0 ? works(n + 1) : sum + status_of(child));
    }
    printf("ended with %d\n", status_of(child));
    fflush(stdout);
}

int main(void)
{
    pthread_t thread[WAITING + 1];
    pthread_barrier_init(&both, NULL, 2);
    pthread_atfork(prepare, in_parent, in_child);
    forks(1);
    for (int i = 0; i < WAITING; i++)
        pthread_create(&thread[i], NULL, waits, NULL);
    pthread_create(&thread[WAITING], NULL, reads, NULL);
    pthread_barrier_wait(&both);
    for (int n = 0; n < WAITING;) {
        pthread_mutex_lock(&shared.lock);
        n = waiting;
        pthread_mutex_unlock(&shared.lock);
    }
    forks(10);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&shared.lock);
    go = 1;
    pthread_cond_broadcast(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
    for (int i = 0; i <= WAITING; i++)
        pthread_join(thread[i], NULL);
    printf("end %ld %d\n", shared.before, waiting);
    return 0;
}
