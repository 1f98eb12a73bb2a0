// A robust mutex of the process's own that threads lock, and that is still there at the end: its bytes are as it was initialised. One that processes share beside it.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static pthread_mutex_t own;
static pthread_mutex_t *shared;
static int value;
static void *fine(void *arg) {
  pthread_mutex_lock(&own);
  value += *(int *)arg;
  pthread_mutex_unlock(&own);
  pthread_mutex_lock(shared);
  pthread_mutex_unlock(shared);
  return NULL;
}
static void *dies(void *arg) {
  pthread_mutex_lock(&own);
  value += *(int *)arg;
  return NULL;
}
int main(void) {
  pthread_mutexattr_t a;
  pthread_t t;
  int by = 5;
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&own, &a);
  pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(shared, &a);
  pthread_create(&t, NULL, fine, &by);
  pthread_join(t, NULL);
  pthread_create(&t, NULL, dies, &by);
  pthread_join(t, NULL);
  int r = pthread_mutex_lock(&own);
  printf("%d %d\n", r == EOWNERDEAD, value);
  printf("%d\n", pthread_mutex_consistent(&own));
  pthread_mutex_unlock(&own);
  printf("%d %d\n", pthread_mutex_trylock(&own), pthread_mutex_unlock(&own));
  return 0;
}
