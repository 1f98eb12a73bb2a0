// Double-checked initialisation without atomics: who made the object, and who found it without the lock, is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 4, OBJECTS = 30 };
struct object { int made_by, fields[8]; };
static struct object *volatile objects[OBJECTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int quick[THREADS], slow[THREADS], made[THREADS];
static struct object *get(int i, int me) {
  if (objects[i] == NULL) {
    pthread_mutex_lock(&lock);
    slow[me]++;
    if (objects[i] == NULL) {
      struct object *o = malloc(sizeof *o);
      o->made_by = me;
      for (int k = 0; k < 8; k++) o->fields[k] = i * k;
      objects[i] = o;
      made[me]++;
    }
    pthread_mutex_unlock(&lock);
  } else quick[me]++;
  return objects[i];
}
static void *work(void *arg) {
  int me = (int)(long)arg;
  long sum = 0;
  for (int i = 0; i < OBJECTS; i++) {
    struct object *o = get(i, me);
    sum = sum * 5 + o->fields[7] + o->made_by;
  }
  return (void *)sum;
}
int main(void) {
  pthread_t t[THREADS];
  void *sum;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(t[i], &sum);
    printf("%d: quick %d slow %d made %d sum %lx\n", i, quick[i], slow[i], made[i], (unsigned long)sum);
  }
  return 0;
}
