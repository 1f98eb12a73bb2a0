// Double-checked initialisation: pointer and object are read without the lock.
//# races: heap:get:11+0, heap:get:11+4, only
#include <pthread.h>
#include <stdlib.h>
static struct object { int a, b; } *only;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *get(void) {
  if (!only) {
    pthread_mutex_lock(&lock);
    if (!only) {
      struct object *o = malloc(sizeof *o);
      o->a = 1;
      o->b = 2;
      only = o;
    }
    pthread_mutex_unlock(&lock);
  }
  return only;
}
static void *work(void *arg) { return (void *)(long)(get()->a + get()->b); }
int main(void) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, NULL);
  return 0;
}
