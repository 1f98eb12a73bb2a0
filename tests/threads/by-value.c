// A structure passed by value out of memory that threads share without a lock: the callee gets what was there then.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
struct job { long number, weight[5]; void *(*what)(void *); };
struct shared { struct job next; long done; };
static struct shared *shared;
static struct job last;
static long sums[2];
static pthread_barrier_t start;
static long __attribute__((noinline)) work(struct job j, long scale) {
  long sum = j.number * scale;
  for (int i = 0; i < 5; i++) sum += j.weight[i];
  j.number = 0;
  return sum;
}
static void *run(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < 2000; i++) {
    // Now and then both start together: they overlap, however busy the machine is.
    if (i % 50 == 0) pthread_barrier_wait(&start);
    shared->next.number += me;
    shared->next.weight[i % 5] = i;
    last = shared->next;
    sums[me - 1] += work(shared->next, 3) + work(last, 1);
  }
  return NULL;
}
int main(void) {
  pthread_t t[2];
  pthread_barrier_init(&start, NULL, 2);
  shared = calloc(1, sizeof *shared);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, run, (void *)(i + 1));
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  printf("%ld %ld %ld\n", sums[0], sums[1], work(shared->next, 1));
  return 0;
}
