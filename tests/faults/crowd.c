// Four threads that ask the environment for bytes, fold them into a common sum under a lock, and print a line each time.
// Arguments: how it ends (end, segv, abort, hang, loop) and after how many lines; then microseconds of sleep per line.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { THREADS = 4 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static const char *how;
static long count, lines, pause_us;
static unsigned long sum = 1;
static int *volatile nowhere = (int *)16;

static void end(void)
{
    if (strcmp(how, "end") == 0)
        exit(5);
    if (strcmp(how, "segv") == 0)
        *nowhere = 1;
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "hang") == 0)
        pthread_mutex_lock(&held); // main has it and waits for this thread
}

static void *work(void *argument)
{
    unsigned char bytes[200];
    for (;;) {
        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
            exit(3);
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < sizeof bytes; i++)
            sum = sum * 31 + bytes[i];
        printf("%06ld %ld %016lx\n", lines, (long)argument, sum);
        fflush(stdout);
        if (++lines >= count)
            end();
        pthread_mutex_unlock(&lock);
        if (pause_us > 0)
            usleep((useconds_t)pause_us);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    if (argc != 4)
        return 2;
    how = argv[1];
    count = atol(argv[2]);
    pause_us = atol(argv[3]);
    pthread_mutex_lock(&held);
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 4;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
