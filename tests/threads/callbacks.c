// Callbacks of the library that lock and allocate: qsort, bsearch, tsearch, twalk, each in several threads.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 3, N = 60 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int comparisons[THREADS], last = -1, switches;
static __thread int me, walked;
static int compare(const void *a, const void *b) {
  pthread_mutex_lock(&lock);
  comparisons[me]++;
  if (last != me) { switches++; last = me; }
  pthread_mutex_unlock(&lock);
  return *(const int *)a - *(const int *)b;
}
static int by_seed(const void *a, const void *b, void *seed) { return (*(const int *)a ^ *(int *)seed) - (*(const int *)b ^ *(int *)seed); }
static void walk(const void *node, VISIT which, int depth) {
  if (which == postorder || which == leaf) walked = walked * 3 % 10007 + **(int *const *)node + depth * 0;
}
static void *work(void *arg) {
  int numbers[N], seed, key;
  void *root = NULL;
  me = (int)(long)arg;
  seed = me * 21;
  for (int i = 0; i < N; i++) numbers[i] = (i * 37 + me * 11) % 101;
  qsort(numbers, N, sizeof *numbers, compare);
  key = numbers[N / 2];
  int *found = bsearch(&key, numbers, N, sizeof *numbers, compare);
  for (int i = 0; i < N; i++) tsearch(&numbers[i], &root, compare);
  twalk(root, walk);
  while (root != NULL) tdelete(*(int **)root, &root, compare);
  qsort_r(numbers, N, sizeof *numbers, by_seed, &seed);
  return (void *)(long)(walked * 1000 + numbers[3] + (found != NULL));
}
int main(void) {
  pthread_t t[THREADS];
  void *value;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &value); printf("%ld ", (long)value); }
  printf("%d %d %d switches %d\n", comparisons[0], comparisons[1], comparisons[2], switches);
  return 0;
}
