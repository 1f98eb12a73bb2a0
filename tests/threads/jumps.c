// setjmp and longjmp within threads, also out of a handler and out of a callback of the library.
//# varies: output
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 3 };
static __thread jmp_buf out;
static __thread sigjmp_buf from_handler;
static __thread volatile int caught;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[THREADS * 20 + 1];
static int used;
static int compare(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  if (x == 99 || y == 99) longjmp(out, 7);
  return x - y;
}
static void on_signal(int s) { (void)s; siglongjmp(from_handler, 3); }
static void deep(int n) { if (n == 0) longjmp(out, 5); deep(n - 1); }
static void *work(void *arg) {
  long me = (long)arg, sum = 0;
  for (volatile int i = 0; i < 20; i++) {
    int numbers[] = {5, 3, 9, i == 3 ? 99 : 1, 4}, r = setjmp(out);
    if (r == 0) {
      if (i % 2) deep(10);
      qsort(numbers, 5, sizeof *numbers, compare);
      sum += numbers[0];
    } else sum += r * 10;
    pthread_mutex_lock(&lock);
    order[used++] = (char)('a' + me);
    pthread_mutex_unlock(&lock);
  }
  if (sigsetjmp(from_handler, 1) == 0) pthread_kill(pthread_self(), SIGUSR1);
  else caught++;
  return (void *)(sum * 10 + caught);
}
int main(void) {
  pthread_t t[THREADS];
  void *value;
  signal(SIGUSR1, on_signal);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &value); printf("%ld ", (long)value); }
  printf("%s\n", order);
  return 0;
}
