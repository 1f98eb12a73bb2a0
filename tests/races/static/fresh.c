// A list of blocks that are filled before they are put into it, with the lock; two others that are known before they are full, and one that is
// found through a pointer that races.
//# races: heap:late:20+0, heap:late:20+8, heap:make:8<work:33, sloppy
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct item { long value; struct item *next; } *list, *half;
static long *make(void) { long *p = malloc(8); if (!p) abort(); return p; }
static long *sloppy;
static struct item *item(long value) {
  struct item *new = malloc(sizeof *new);
  if (!new) abort();
  new->value = value;
  new->next = NULL;
  return new;
}
static void put(struct item *i) { i->next = list; list = i; }
static void late(void) {
  //
  struct item *i = malloc(sizeof *i);
  pthread_mutex_lock(&lock);
  half = i;
  pthread_mutex_unlock(&lock);
  i->value = 7;
  i->next = NULL;
}
static void *work(void *arg) {
  struct item *mine = item((long)arg);
  mine->value++;
  pthread_mutex_lock(&lock);
  put(mine);
  pthread_mutex_unlock(&lock);
  long *s = make();
  *s = 5;
  sloppy = s;
  return NULL;
}
static void *other(void *arg) { late(); return arg; }
int main(void) {
  pthread_t t;
  for (long i = 0; i < 3; i++) pthread_create(&t, NULL, work, (void *)i);
  pthread_create(&t, NULL, other, NULL);
  long sum = 0;
  pthread_mutex_lock(&lock);
  for (struct item *i = list; i; i = i->next) sum += i->value;
  if (half) sum += half->value + (half->next != NULL);
  pthread_mutex_unlock(&lock);
  return (int)(sum + *sloppy);
}
