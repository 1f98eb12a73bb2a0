// Thread-specific keys: destructors run at the thread's end, again when they set a value; keys are deleted and used again.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 4 };
static pthread_key_t names, again, none;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[64];
static int used, repeats;
static void drop(void *value) {
  char *name = value;
  pthread_mutex_lock(&lock);
  order[used++] = name[0];
  pthread_mutex_unlock(&lock);
  free(name);
}
static void repeat(void *value) {
  long n = (long)value;
  __atomic_add_fetch(&repeats, 1, __ATOMIC_RELAXED);
  if (n > 1) pthread_setspecific(again, (void *)(n - 1));
}
static void *work(void *arg) {
  char *name = malloc(2);
  name[0] = (char)('a' + (long)arg);
  name[1] = 0;
  pthread_setspecific(names, name);
  pthread_setspecific(again, (void *)((long)arg + 1));
  pthread_setspecific(none, arg);
  return (void *)(long)(*(char *)pthread_getspecific(names) + (long)pthread_getspecific(none));
}
int main(void) {
  pthread_t t[THREADS];
  void *value;
  pthread_key_create(&names, drop);
  pthread_key_create(&again, repeat);
  pthread_key_create(&none, NULL);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &value); printf("%ld ", (long)value); }
  printf("\n%s %d %d\n", order, used, repeats);
  printf("%d %d\n", pthread_getspecific(names) == NULL, pthread_key_delete(none));
  pthread_key_t fresh;
  printf("%d %u\n", pthread_key_create(&fresh, NULL), (unsigned)fresh);
  printf("%d\n", pthread_getspecific(fresh) == NULL);
  return 0;
}
