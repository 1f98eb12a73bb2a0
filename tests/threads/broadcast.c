// A broadcast wakes all waiters: the order in which they go on, again and again, is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { WAITERS = 5, ROUNDS = 10 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go, all;
static int round_, waiting;
static char order[WAITERS * ROUNDS + 1];
static int used;
static void *wait_for(void *arg) {
  pthread_mutex_lock(&lock);
  for (int r = 0; r < ROUNDS; r++) {
    if (++waiting == WAITERS) pthread_cond_signal(&all);
    while (round_ == r) pthread_cond_wait(&go, &lock);
    order[used++] = (char)('a' + (long)arg);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}
int main(void) {
  pthread_t t[WAITERS];
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_cond_init(&go, &a);
  pthread_cond_init(&all, NULL);
  pthread_condattr_destroy(&a);
  for (long i = 0; i < WAITERS; i++) pthread_create(&t[i], NULL, wait_for, (void *)i);
  pthread_mutex_lock(&lock);
  for (int r = 0; r < ROUNDS; r++) {
    while (waiting < WAITERS) pthread_cond_wait(&all, &lock);
    waiting = 0;
    round_++;
    pthread_cond_broadcast(&go);
  }
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < WAITERS; i++) pthread_join(t[i], NULL);
  for (int r = 0; r < ROUNDS; r++) printf("%.*s\n", WAITERS, order + r * WAITERS);
  printf("%d %d\n", pthread_cond_destroy(&go), pthread_cond_destroy(&all));
  return 0;
}
