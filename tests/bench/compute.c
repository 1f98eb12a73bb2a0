/*
 * compute ROUNDS: two threads that compute (a stencil over their own halves, some memory taken and given back) and meet at a
 * barrier once per round. Prints a sum and the seconds.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE = 256, SWEEPS = 20 };

static double field[2][SIDE][SIDE];
static pthread_barrier_t barrier;
static long rounds;

static void *work(void *argument)
{
    double(*mine)[SIDE] = field[(long)argument];
    for (long r = 0; r < rounds; r++) {
        double *edge = malloc(sizeof(double) * SIDE);
        for (int s = 0; s < SWEEPS; s++)
            for (int i = 1; i < SIDE - 1; i++)
                for (int k = 1; k < SIDE - 1; k++)
                    mine[i][k] = (mine[i - 1][k] + mine[i + 1][k] + mine[i][k - 1] + mine[i][k + 1]) / 4;
        memcpy(edge, mine[SIDE / 2], sizeof(double) * SIDE);
        pthread_barrier_wait(&barrier);
        memcpy(mine[0], edge, sizeof(double) * SIDE);
        free(edge);
    }
    return NULL;
}

int main(int count, char **words)
{
    pthread_t threads[2];
    struct timespec from, to;
    rounds = count > 1 ? atol(words[1]) : 200;
    for (int h = 0; h < 2; h++)
        for (int i = 0; i < SIDE; i++)
            for (int k = 0; k < SIDE; k++)
                field[h][i][k] = (double)((i * 7 + k * 13 + h) % 101);
    pthread_barrier_init(&barrier, NULL, 2);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.9g in %.4f s\n", field[0][SIDE / 2][SIDE / 2] + field[1][SIDE / 3][SIDE / 3],
           (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
