// Thread-local variables: initial values, addresses handed to other threads, arrays, one per thread however many.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
enum { THREADS = 5 };
static __thread int number = 41;
static __thread char text[300] = "initial";
static _Thread_local long *link_;
__thread double global_one = 1.5;
static int *numbers[THREADS];
static pthread_barrier_t barrier;
static void *work(void *arg) {
  long me = (long)arg, local = me;
  link_ = &local;
  number += (int)me;
  numbers[me] = &number;
  global_one *= (double)(me + 1);
  size_t n = strlen(text);
  for (int i = 0; i < me; i++) text[n + (size_t)i] = '+';
  pthread_barrier_wait(&barrier);
  *numbers[(me + 1) % THREADS] += 100;
  pthread_barrier_wait(&barrier);
  *link_ += number;
  pthread_barrier_wait(&barrier);
  return (void *)(local * 1000 + (long)(global_one * 10) + (long)strlen(text));
}
int main(void) {
  pthread_t t[THREADS];
  void *value;
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &value); printf("%ld\n", (long)value); }
  printf("main %d %s %g\n", number, text, global_one);
  return 0;
}
