/* Calls a library whose annotations lie, while other threads write to globals, to the heap and to their stacks. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 3, ROUNDS = 300 };

void fill(char *to, unsigned n);
int both(int *a, int *b);
void honest(char *to, unsigned n);

static char buffer[64];
static volatile long busy[64];
static volatile long *cells;
static int stop;

static void *writes(void *arg)
{
    long n = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        busy[n % 64] = n;
        cells[n % 4096] += (long)arg;
        n++;
    }
    return NULL;
}

static void *calls(void *arg)
{
    long sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int first = 0, second = 0;
        sum += both(&first, &second);
        sum += second;
    }
    *(long *)arg = sum;
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS], caller;
    static long sum;
    cells = calloc(4096, sizeof *cells);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, writes, (void *)i);
    pthread_create(&caller, NULL, calls, &sum);
    for (int i = 0; i < ROUNDS; i++) {
        fill(buffer, 16);
        honest(buffer, 20);
        if (i % 100 == 0)
            usleep(50000);
    }
    pthread_join(caller, NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    honest(buffer, 64);
    printf("%ld %c\n", sum, buffer[0]);
    return 0;
}
