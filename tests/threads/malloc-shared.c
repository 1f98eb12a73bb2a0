// All threads allocate, reallocate and free from common slots; which addresses each got is printed as a sum.
//# varies: output
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { THREADS = 4, SLOTS = 32, ROUNDS = 1500 };
static _Atomic(char *) slots[SLOTS];
static uintptr_t sums[THREADS];
static void *work(void *arg) {
  int me = (int)(long)arg;
  unsigned state = (unsigned)me * 2654435761u + 1;
  for (int i = 0; i < ROUNDS; i++) {
    state = state * 1103515245u + 12345u;
    size_t n = 16 + (state >> 16) % 3000;
    char *mine = i % 7 == 0 ? calloc(1, n) : malloc(n);
    mine[0] = (char)me;
    mine[n - 1] = (char)i;
    char *old = atomic_exchange(&slots[(state >> 8) % SLOTS], mine);
    sums[me] = sums[me] * 31 + (uintptr_t)old;
    if (old != NULL) {
      sums[me] += (unsigned char)old[0];
      if (i % 5 == 0) old = realloc(old, n * 2);
      free(old);
    }
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) printf("%lx\n", (unsigned long)sums[i]);
  for (int i = 0; i < SLOTS; i++) free(slots[i]);
  return 0;
}
