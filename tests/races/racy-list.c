// A list without locks at its head (pushes get lost) and a hash table that grows by chance: what is left is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 3, NODES = 400, BUCKETS = 16 };
struct node { struct node *next; int owner, number; };
struct node *volatile list;
struct node *volatile table[BUCKETS];
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < NODES; i++) {
    struct node *n = malloc(sizeof *n), *m = malloc(sizeof *m);
    n->owner = m->owner = me;
    n->number = m->number = i;
    n->next = list;
    list = n;
    m->next = table[(i * 7 + me) % BUCKETS];
    table[(i * 7 + me) % BUCKETS] = m;
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  unsigned long sum = 0, count = 0;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (struct node *n = list; n != NULL; n = n->next, count++) sum = sum * 31 + (unsigned)(n->owner * 1000 + n->number);
  printf("%lu %lx", count, sum);
  for (int i = 0; i < BUCKETS; i++) {
    count = 0;
    for (struct node *n = table[i]; n != NULL; n = n->next) count++;
    printf(" %lu", count);
  }
  printf("\n");
  return 0;
}
