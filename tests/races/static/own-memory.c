// What is a thread's own: thread-local variables, its stack, its heap blocks, its keys' values; and one of each that is not.
//# races: heap:work:25, mine, work:local
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static _Thread_local long counter, mine;
static long *volatile seen, *volatile other, *volatile block;
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg) {
  long stack[4] = {1, 2}, local = 0;
  counter++;
  mine++;
  local++;
  stack[(long)arg & 3]++;
  long *own = malloc(64);
  memset(own, 0, 64);
  own[3] = counter;
  long *value = calloc(1, 8);
  pthread_setspecific(key, value);
  ++*(long *)pthread_getspecific(key);
  pthread_mutex_lock(&lock);
  seen = &mine;
  other = &local;
  block = malloc(8);
  long *all[] = {seen, other, block};
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 3; i++) ++*all[i];
  free(own);
  return NULL;
}
int main(void) {
  pthread_t t;
  pthread_key_create(&key, free);
  for (long i = 0; i < 3; i++) pthread_create(&t, NULL, work, (void *)i);
  return 0;
}
