// Atomic instructions in inline assembly, with another one behind each: a counter, and a lock around plain accesses. Nothing says in which
// order they are made, so a recording ends at the first one. (One by itself becomes the compiler's: tests/threads/atomic-assembly.c.)
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 2000 };
static int counter, lock, kinds[THREADS], early;
static long history;
static int add(int *p, int n) {
  __asm__ volatile("lock; xaddl %0, %1; nop" : "+r"(n), "+m"(*p) : : "memory", "cc");
  return n;
}
static int swap(int *p, int n) {
  __asm__ volatile("xchgl %0, %1; nop" : "+r"(n), "+m"(*p) : : "memory");
  return n;
}
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    kinds[me] += add(&counter, me + 1) % 7;
    if (i % 10 == 0) {
      while (swap(&lock, 1)) __builtin_ia32_pause();
      history = history * 31 + me;
      swap(&lock, 0);
    }
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  puts("before");
  fflush(stdout);
  // The same instructions on what one thread has to itself.
  add(&early, 1 + swap(&early, 0));
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%d, %ld, %d %d %d\n", counter, history, kinds[0], kinds[1], kinds[2]);
  return 0;
}
