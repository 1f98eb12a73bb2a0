// Cancellation that is asked for as a thread ends: one that ends by itself is not cancelled by what its handlers call, one that returns is, in a destructor,
// and nothing else of it runs.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pthread_key_t key;
static atomic_int stage;

static void prints(void *value)
{
    usleep(10);
    printf("handler %ld\n", (long)value);
}

static void destructor(void *value)
{
    usleep(10);
    printf("destructor %ld\n", (long)value);
}

/// Waits until it is to be cancelled, at no place where it could be.
static void until_then(void)
{
    stage = 1;
    while (stage != 2) {
    }
}

static void *returns(void *value)
{
    pthread_setspecific(key, value);
    until_then();
    return (void *)11L;
}

static void *exits(void *value)
{
    pthread_setspecific(key, value);
    pthread_cleanup_push(prints, (void *)1L);
    pthread_cleanup_push(prints, (void *)2L);
    until_then();
    pthread_exit((void *)12L);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *is_cancelled(void *value)
{
    pthread_setspecific(key, value);
    pthread_cleanup_push(prints, (void *)3L);
    pthread_cleanup_push(prints, (void *)4L);
    until_then();
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void)
{
    static void *(*const run[])(void *) = { exits, is_cancelled, returns };
    pthread_key_create(&key, destructor);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *value = NULL;
        stage = 0;
        pthread_create(&thread, NULL, run[i], (void *)(long)(i + 1));
        while (stage != 1) {
        }
        pthread_cancel(thread);
        stage = 2;
        pthread_join(thread, &value);
        printf("thread %d: %ld\n", i, (long)value);
    }
    return 0;
}
