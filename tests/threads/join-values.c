// Values that threads end with: returned, by pthread_exit from a depth, cancelled; tried and timed joins, detached threads.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static sem_t go, gone;
static void *returns(void *arg) { return (char *)arg + 1; }
static void deep(int n) { if (n == 0) pthread_exit(strdup("from the depth")); deep(n - 1); }
static void *exits(void *arg) { deep((int)(long)arg); return NULL; }
static void *waits(void *arg) { sem_wait(&go); return arg; }
static void *sleeps(void *arg) { for (;;) sleep(10); return arg; }
static void *detached(void *arg) { pthread_detach(pthread_self()); *(int *)arg = 5; sem_post(&gone); return NULL; }
int main(void) {
  pthread_t t;
  void *value;
  int cell = 0;
  sem_init(&go, 0, 0);
  sem_init(&gone, 0, 0);
  pthread_create(&t, NULL, returns, "xyz");
  pthread_join(t, &value);
  printf("%s\n", (char *)value);
  pthread_create(&t, NULL, exits, (void *)20);
  pthread_join(t, &value);
  printf("%s\n", (char *)value);
  free(value);
  pthread_create(&t, NULL, waits, (void *)42);
  printf("try %d\n", pthread_tryjoin_np(t, &value) == EBUSY);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  printf("timed %d\n", pthread_timedjoin_np(t, &value, &soon) == ETIMEDOUT);
  clock_gettime(CLOCK_MONOTONIC, &soon);
  printf("clock %d\n", pthread_clockjoin_np(t, &value, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
  sem_post(&go);
  printf("join %d %ld\n", pthread_join(t, &value), (long)value);
  pthread_create(&t, NULL, returns, "abc");
  soon.tv_sec += 100;
  printf("clock %d", pthread_clockjoin_np(t, &value, CLOCK_MONOTONIC, &soon));
  printf(" %s\n", (char *)value);
  pthread_create(&t, NULL, sleeps, NULL);
  pthread_cancel(t);
  pthread_join(t, &value);
  printf("cancelled %d\n", value == PTHREAD_CANCELED);
  pthread_create(&t, NULL, detached, &cell);
  sem_wait(&gone);
  printf("detached %d\n", cell);
  printf("self %d\n", pthread_join(pthread_self(), NULL) == EDEADLK);
  return 0;
}
