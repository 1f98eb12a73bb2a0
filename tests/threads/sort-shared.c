// qsort and bsearch on arrays that another thread changes meanwhile: one on the heap, one in a global variable, one of structures.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
enum { N = 64, ROUNDS = 60 };
struct pair { int key, value; };
static int *heap, global[N];
static struct pair pairs[N];
static long found, order;
static volatile int stop;
static long changes;
static int compare(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }
static void *change(void *arg) {
  unsigned x = 1;
  (void)arg;
  for (long i = 0; !stop; i++) {
    if (i % 64 == 0) __atomic_store_n(&changes, i, __ATOMIC_RELAXED);
    x = x * 1103515245 + 12345;
    heap[x >> 8 & (N - 1)] = (int)(x >> 16 & 255);
    global[x >> 9 & (N - 1)] = (int)(x >> 15 & 255);
    pairs[x >> 10 & (N - 1)].key = (int)(x >> 14 & 255);
  }
  return NULL;
}
static int *look(int key, int *in) { return bsearch(&key, in, N, sizeof *in, compare); }
int main(void) {
  pthread_t t;
  heap = calloc(N, sizeof *heap);
  for (int i = 0; i < N; i++) pairs[i] = (struct pair){ i, i };
  pthread_create(&t, NULL, change, NULL);
  for (int i = 0; i < ROUNDS; i++) {
    // Nothing is sorted before it was changed again: the threads overlap, however busy the machine is.
    for (long before = __atomic_load_n(&changes, __ATOMIC_RELAXED); __atomic_load_n(&changes, __ATOMIC_RELAXED) < before + 256;) sched_yield();
    qsort(heap, N, sizeof *heap, compare);
    qsort(global, N, sizeof *global, compare);
    qsort(pairs, N, sizeof *pairs, compare);
    int *a = look(i, heap), *b = look(i, global);
    struct pair key = { i, 0 }, *c = bsearch(&key, pairs, N, sizeof *pairs, compare);
    found = found * 3 + (a ? a - heap : -1) + 7 * (b ? b - global : -1) + (c ? c->value : -2);
    order = order * 5 + heap[N / 2] + global[N / 3] + pairs[N / 4].value;
  }
  stop = 1;
  pthread_join(t, NULL);
  for (int i = 0; i < N; i++) order = order * 3 + heap[i] + global[i] + pairs[i].key + pairs[i].value;
  printf("%ld %ld\n", found, order);
  return 0;
}
