// The same without volatile: the compiler may keep the counter in a register between calls.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 3000 };
long counter;
static int hits[THREADS];
__attribute__((noinline)) void add(long n) { counter += n; __asm__ volatile("" ::: "memory"); }
static void *work(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    add(1);
    if (counter % 7 == 0) hits[(long)arg]++;
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%ld %d %d %d\n", counter, hits[0], hits[1], hits[2]);
  return 0;
}
