// Every kind of mutex: recursive, error checking, timed, tried; with results that depend on who holds it.
//# varies: output
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checking, inherit, adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static int got, busy, late, depth;
static struct timespec in_ms(long ms) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += ms * 1000000;
  if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec++; }
  return t;
}
static void *work(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < 40; i++) {
    int r = pthread_mutex_trylock(&plain);
    if (r == 0) { got++; for (volatile int k = 0; k < 3000; k++) { } pthread_mutex_unlock(&plain); }
    else if (r == EBUSY) __atomic_fetch_add(&busy, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    depth++;
    pthread_mutex_unlock(&recursive);
    pthread_mutex_unlock(&recursive);
    pthread_mutex_lock(&inherit);
    depth++;
    pthread_mutex_unlock(&inherit);
    pthread_mutex_lock(&adaptive);
    pthread_mutex_unlock(&adaptive);
  }
  struct timespec t = in_ms(me == 0 ? 1 : 4);
  int r = pthread_mutex_timedlock(&checking, &t);
  if (r == 0) { struct timespec s = {0, 2000000}; nanosleep(&s, NULL); pthread_mutex_unlock(&checking); }
  else if (r == ETIMEDOUT) __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
  t = in_ms(1);
  clock_gettime(CLOCK_MONOTONIC, &t);
  r = pthread_mutex_clocklock(&checking, CLOCK_MONOTONIC, &t);
  if (r == 0) pthread_mutex_unlock(&checking);
  else __atomic_fetch_add(&late, 100, __ATOMIC_RELAXED);
  return NULL;
}
int main(void) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&checking, &a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_NORMAL);
  pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&inherit, &a);
  pthread_mutexattr_destroy(&a);
  printf("unlock not held: %s\n", strerror(pthread_mutex_unlock(&checking)));
  pthread_mutex_lock(&checking);
  printf("lock again: %s\n", strerror(pthread_mutex_lock(&checking)));
  pthread_mutex_unlock(&checking);
  pthread_t t[3];
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  printf("got %d busy %d late %d depth %d\n", got, busy, late, depth > 0);
  printf("destroy %d\n", pthread_mutex_destroy(&checking));
  return 0;
}
