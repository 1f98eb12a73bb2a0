// Threads with parts of their own that they do not keep to: each also looks at and writes the next one's.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 3000 };
struct slot { volatile long count; long seen; };
static struct slot slots[THREADS + 1];
static volatile long row[THREADS + 1];
static pthread_barrier_t start;
// Now and then all start together: they overlap, however busy the machine is.
static void meet(int round) { if (round % 200 == 0) pthread_barrier_wait(&start); }
static void *work(void *arg) {
  long me = (long)arg;
  unsigned long sum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    meet(i);
    row[me]++;
    sum = sum * 31 + (unsigned long)row[me + 1];
    row[me + 1] += 2;
  }
  return (void *)sum;
}
static void *fill(void *arg) {
  struct slot *s = arg;
  for (int i = 0; i < ROUNDS; i++) {
    meet(i);
    s->count++;
    s->seen = s->seen * 31 + s[1].count;
    s[1].count++;
  }
  return NULL;
}
int main(void) {
  pthread_t t[2 * THREADS];
  void *value;
  pthread_barrier_init(&start, NULL, 2 * THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_create(&t[THREADS + i], NULL, fill, &slots[i]);
  for (int i = 0; i < 2 * THREADS; i++) {
    pthread_join(t[i], &value);
    printf("%lx\n", (unsigned long)value);
  }
  for (int i = 0; i <= THREADS; i++) printf("%ld %ld %lx\n", row[i], slots[i].count, (unsigned long)slots[i].seen);
  return 0;
}
