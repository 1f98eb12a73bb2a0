// The same with the lock taken before the first look, and a thread that only reads what was there before it.
//# races: none
#include <pthread.h>
#include <stdlib.h>
static struct object { int a, b; } *only, *older;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sum(void) {
  pthread_mutex_lock(&lock);
  if (!only) {
    only = malloc(sizeof *only);
    only->a = 1;
    only->b = 2;
  }
  int all = only->a + only->b;
  pthread_mutex_unlock(&lock);
  return all + older->a;
}
static void *work(void *arg) { return (void *)(long)sum(); }
int main(void) {
  pthread_t t;
  older = malloc(sizeof *older);
  older->a = 7;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, NULL);
  return 0;
}
