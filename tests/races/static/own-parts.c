// Threads that each have a part of their own by the argument that they start with; and some that only seem to.
//# races: crowd, doubled, lent, near, nested, over, wide
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
enum { THREADS = 4, SIDE = 8 };
struct slot { long in, out; char text[16]; };
static double field[THREADS][SIDE][SIDE];
static struct slot slots[THREADS];
static long near[THREADS + 1], over[THREADS][SIDE], nested[2 * THREADS], wide[THREADS], doubled[THREADS], crowd[2];
static int small[THREADS];
static struct { int tag; struct { long count, sum; } of[THREADS]; } table;
struct mine { long number, sum; char *text; };

static void relax(double (*part)[SIDE], long rounds) {
  for (long r = 0; r < rounds; r++)
    for (int i = 1; i < SIDE; i++)
      for (int k = 1; k < SIDE; k++) part[i][k] = (part[i - 1][k] + part[i][k - 1]) / 2;
}
static void count(long me) { table.of[me].count++; table.of[me].sum += table.of[me].count; }
static void *by_number(void *arg) {
  long me = (long)arg;
  int narrow = (int)me;
  double edge[SIDE];
  relax(field[me], 3);
  memcpy(edge, field[me][SIDE / 2], sizeof edge);
  memcpy(field[me][0], edge, sizeof edge);
  small[narrow]++;
  count(me);
  near[me]++;
  near[me + 1]++;
  over[me][2]++;
  (&over[me])[1][0]++;
  return NULL;
}
static void *by_element(void *arg) {
  struct slot *s = arg;
  s->out = s->in * 2;
  memset(s->text, 'x', sizeof s->text);
  return NULL;
}
static void *by_block(void *arg) {
  struct mine *m = arg;
  for (long i = 0; i < m->number; i++) m->sum += i;
  free(m);
  return NULL;
}
static void *in_nest(void *arg) { nested[(long)arg]++; return NULL; }
static void *by_half(void *arg) { wide[(long)arg / 2]++; return NULL; }
static void *twice(void *arg) { doubled[(long)arg]++; return NULL; }
static void *called(void *arg) { crowd[(long)arg & 1]++; return NULL; }
static long lent[THREADS];
static void *lends(void *arg) { lent[(long)arg]++; return NULL; }

int main(void) {
  pthread_t t;
  for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, by_number, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    slots[i].in = i;
    pthread_create(&t, NULL, by_element, &slots[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    struct mine *m = malloc(sizeof *m);
    if (!m) abort();
    m->number = i;
    m->sum = 0;
    m->text = NULL;
    pthread_create(&t, NULL, by_block, m);
  }
  for (int k = 0; k < 2; k++)
    for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, in_nest, (void *)i);
  for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, by_half, (void *)i);
  for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, twice, (void *)i);
  pthread_create(&t, NULL, twice, (void *)0);
  for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, called, (void *)i);
  for (long i = 0; i < THREADS; i++) pthread_create(&t, NULL, lends, (void *)i);
  lends((void *)1);
  pthread_exit(NULL);
}
