// A counter that threads increase without a lock: how much is lost is printed, and the sum of what each saw.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 20000 };
static volatile long counter;
static unsigned long seen[THREADS];
static void *work(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    long value = counter;
    sum = sum * 31 + (unsigned long)value;
    counter = value + 1;
  }
  seen[(long)arg] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%ld of %d\n", counter, THREADS * ROUNDS);
  for (int i = 0; i < THREADS; i++) printf("%lx\n", seen[i]);
  return 0;
}
