// Thousands of short threads, many at a time, some detached: their order is printed as a sum.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 2000, AT_ONCE = 16 };
static unsigned long order;
static int ended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t detached_done;
static void *work(void *arg) {
  pthread_mutex_lock(&lock);
  order = order * 31 + (unsigned long)arg;
  ended++;
  pthread_mutex_unlock(&lock);
  return malloc(8);
}
static void *detached(void *arg) { work(arg); sem_post(&detached_done); return NULL; }
int main(void) {
  pthread_t t[AT_ONCE];
  pthread_attr_t a;
  sem_init(&detached_done, 0, 0);
  pthread_attr_init(&a);
  pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&a, 64 << 10);
  for (int i = 0; i < THREADS; i += AT_ONCE) {
    pthread_t d;
    for (int k = 0; k < AT_ONCE; k++)
      if (pthread_create(&t[k], NULL, work, (void *)(long)(i + k)) != 0) return 1;
    if (pthread_create(&d, &a, detached, (void *)(long)-i) != 0) return 1;
    for (int k = 0; k < AT_ONCE; k++) { void *p; pthread_join(t[k], &p); free(p); }
    sem_wait(&detached_done);
  }
  printf("%d %lx\n", ended, order);
  return 0;
}
