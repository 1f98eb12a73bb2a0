// Threads start threads: a tree; numbers are drawn in the order in which they come.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static int drawn;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct node { int depth, number; struct node *child[2]; };
static void *grow(void *arg) {
  struct node *n = arg;
  pthread_t t[2];
  pthread_mutex_lock(&lock);
  n->number = drawn++;
  pthread_mutex_unlock(&lock);
  if (n->depth == 0) return NULL;
  for (int i = 0; i < 2; i++) {
    n->child[i] = calloc(1, sizeof *n);
    n->child[i]->depth = n->depth - 1;
    pthread_create(&t[i], NULL, grow, n->child[i]);
  }
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  return NULL;
}
static void show(struct node *n) {
  if (n == NULL) return;
  printf("(%d", n->number);
  show(n->child[0]);
  show(n->child[1]);
  printf(")");
  free(n);
}
int main(void) {
  struct node *root = calloc(1, sizeof *root);
  root->depth = 5;
  grow(root);
  show(root);
  printf("\n%d\n", drawn);
  return 0;
}
