// Locks inside of what they guard, on the heap and in arrays; taken here, by a wrapper, by the caller; and one too late, one of another object.
//# races: heap:main:32+48, heap:main:32+56
#include <pthread.h>
#include <stdlib.h>
struct node { pthread_mutex_t lock; long here, late, other, wrapped, called, again; struct node *next; };
static struct node *first;
static void enter(struct node *n) { pthread_mutex_lock(&n->lock); }
static void leave(struct node *n) { pthread_mutex_unlock(&n->lock); }
static void with_lock(struct node *n) { n->called++; }
static void *work(void *arg) {
  struct node *n = arg, *m = first;
  pthread_mutex_lock(&n->lock);
  n->here++;
  pthread_mutex_unlock(&n->lock);
  n->late++;
  pthread_mutex_lock(&n->lock);
  m->other++;
  pthread_mutex_unlock(&n->lock);
  enter(n);
  n->wrapped++;
  with_lock(n);
  leave(n);
  for (struct node *each = first; each; each = each->next) {
    pthread_mutex_lock(&each->lock);
    each->again++;
    pthread_mutex_unlock(&each->lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t;
  first = calloc(4, sizeof *first);
  for (int i = 0; i < 4; i++) pthread_mutex_init(&first[i].lock, NULL);
  for (int i = 0; i < 4; i++) pthread_create(&t, NULL, work, &first[i]);
  return 0;
}
