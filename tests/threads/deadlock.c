// Two threads that each hold what the other wants. An alarm ends the program; a replay comes to the same deadlock.
//# signal: 14
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static void *work(void *arg) {
  (void)arg;
  pthread_mutex_lock(&b);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&a);
  puts("not reached");
  return NULL;
}
int main(void) {
  pthread_t t;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&t, NULL, work, NULL);
  pthread_mutex_lock(&a);
  pthread_barrier_wait(&both);
  puts("each holds one");
  fflush(stdout);
  ualarm(100000, 0);
  pthread_mutex_lock(&b);
  puts("not reached");
  return 0;
}
