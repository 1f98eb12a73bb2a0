// Thread-local variables of the main thread and of one that has ended, which other threads count in without a lock.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 20000 };
static __thread long own = 7;
static long *volatile of_main, *volatile of_first;
static pthread_barrier_t there, done;
static void *work(void *arg) {
  long sum = 0;
  if ((long)arg == 0) of_first = &own;
  pthread_barrier_wait(&there);
  for (int i = 0; i < ROUNDS; i++) {
    ++*of_main;
    sum += *of_first += 3;
  }
  pthread_barrier_wait(&done);
  return (void *)(sum + own);
}
int main(void) {
  pthread_t t[THREADS];
  void *sum;
  of_main = &own;
  pthread_barrier_init(&there, NULL, THREADS);
  pthread_barrier_init(&done, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &sum); printf("%ld\n", (long)sum); }
  printf("%ld\n", own);
  return 0;
}
