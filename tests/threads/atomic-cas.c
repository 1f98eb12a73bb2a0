// Compare and swap: a stack without locks, a maximum, failed attempts counted; exchange of pointers.
//# varies: output
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 3, NODES = 40 };
struct node { struct node *next; int owner, number; };
static _Atomic(struct node *) top;
static _Atomic(const char *) latest;
static atomic_long maximum, failures;
static atomic_bool flag;
static int flag_set_by_me[THREADS];
static void *work(void *arg) {
  int me = (int)(long)arg;
  static const char *const names[THREADS] = {"first", "second", "third"};
  for (int i = 0; i < NODES; i++) {
    struct node *n = malloc(sizeof *n);
    n->owner = me;
    n->number = i;
    n->next = atomic_load_explicit(&top, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&top, &n->next, n, memory_order_release, memory_order_relaxed))
      atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    long mine = (i * 7919 + me * 104729) % 1000, old = atomic_load(&maximum);
    while (old < mine && !atomic_compare_exchange_strong(&maximum, &old, mine)) { }
    const char *before = atomic_exchange(&latest, names[me]);
    if (before != NULL && before[0] == 't') n->number += 1000;
    bool clear = false;
    if (atomic_compare_exchange_strong(&flag, &clear, true)) { flag_set_by_me[me]++; atomic_store(&flag, false); }
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  int count = 0;
  for (struct node *n = top, *next; n != NULL; n = next, count++) {
    printf("%c%d ", 'a' + n->owner, n->number);
    next = n->next;
    free(n);
  }
  printf("\n%d nodes, maximum %ld, failures %ld, latest %s\n", count, maximum, failures, latest);
  for (int i = 0; i < THREADS; i++) printf("%d ", flag_set_by_me[i]);
  printf("\n");
  return 0;
}
