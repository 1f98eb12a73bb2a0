// Robust mutexes: the owner dies, the next one learns of it and makes the state consistent, or doesn't.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock;
static int value;
static void *dies(void *arg) {
  pthread_mutex_lock(&lock);
  value = (int)(long)arg;
  return NULL;
}
static void init(void) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&lock, &a);
  pthread_mutexattr_destroy(&a);
}
int main(void) {
  pthread_t t;
  init();
  pthread_create(&t, NULL, dies, (void *)7);
  pthread_join(t, NULL);
  int r = pthread_mutex_lock(&lock);
  printf("%d %d\n", r == EOWNERDEAD, value);
  printf("%d\n", pthread_mutex_consistent(&lock));
  pthread_mutex_unlock(&lock);
  pthread_create(&t, NULL, dies, (void *)9);
  pthread_join(t, NULL);
  r = pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  printf("%d %d %d\n", r == EOWNERDEAD, pthread_mutex_trylock(&lock) == ENOTRECOVERABLE, value);
  return 0;
}
