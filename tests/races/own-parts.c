// Threads that work on a part of memory of their own, by number, by element and by block: nothing of it is logged but what main
// reads in the end.
//# log-below: 40000
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { THREADS = 3, SIDE = 64, ROUNDS = 200 };
struct slot { long in, out; char text[16]; };
static double field[THREADS][SIDE][SIDE];
static struct slot slots[THREADS];
static long sums[THREADS];
static void relax(double (*part)[SIDE]) {
  for (int i = 1; i < SIDE; i++)
    for (int k = 1; k < SIDE; k++) part[i][k] = (part[i - 1][k] + part[i][k - 1] + part[i][k]) / 3;
}
static void *work(void *arg) {
  long me = (long)arg;
  double edge[SIDE];
  for (int r = 0; r < ROUNDS; r++) {
    relax(field[me]);
    memcpy(edge, field[me][SIDE / 2], sizeof edge);
    memcpy(field[me][0], edge, sizeof edge);
    sums[me] += r;
  }
  return NULL;
}
static void *fill(void *arg) {
  struct slot *s = arg;
  for (int r = 0; r < ROUNDS * 100; r++) s->out = s->out * 3 + s->in;
  memset(s->text, 'a' + (int)s->in, sizeof s->text - 1);
  return NULL;
}
static void *block(void *arg) {
  long *m = arg, sum;
  for (int r = 0; r < ROUNDS * 100; r++) m[0] = m[0] * 5 + m[1];
  sum = m[0];
  free(m);
  return (void *)sum;
}
int main(void) {
  pthread_t t[3 * THREADS];
  void *value;
  for (int h = 0; h < THREADS; h++)
    for (int i = 0; i < SIDE; i++)
      for (int k = 0; k < SIDE; k++) field[h][i][k] = (i * 7 + k * 13 + h) % 101;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    slots[i].in = i + 1;
    pthread_create(&t[THREADS + i], NULL, fill, &slots[i]);
  }
  for (long i = 0; i < THREADS; i++) {
    long *m = malloc(2 * sizeof *m);
    m[0] = m[1] = i;
    pthread_create(&t[2 * THREADS + i], NULL, block, m);
  }
  for (int i = 0; i < 3 * THREADS; i++) {
    pthread_join(t[i], &value);
    if (i >= 2 * THREADS) printf("%lx\n", (unsigned long)value);
  }
  for (int i = 0; i < THREADS; i++) printf("%.6f %ld %lx\n", field[i][SIDE / 2][SIDE / 3], sums[i], (unsigned long)slots[i].out + (unsigned long)slots[i].text[3]);
  return 0;
}
