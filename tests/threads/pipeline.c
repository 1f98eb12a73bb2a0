// Stages connected by queues, blocks passed on and recycled, output in order whatever the schedule.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { BLOCKS = 60, WORKERS = 3, SIZE = 2000 };
struct block { struct block *next; int number; size_t used; unsigned char data[SIZE]; };
struct queue { pthread_mutex_t lock; pthread_cond_t changed; struct block *head; int closed; };
static struct queue todo = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0 };
static struct queue done = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0 };
static struct queue spare = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0 };
static void put(struct queue *q, struct block *b) {
  struct block **at = &q->head;
  pthread_mutex_lock(&q->lock);
  while (*at != NULL && (*at)->number < b->number) at = &(*at)->next;
  b->next = *at;
  *at = b;
  pthread_cond_broadcast(&q->changed);
  pthread_mutex_unlock(&q->lock);
}
static struct block *get(struct queue *q, int number) {
  struct block *b;
  pthread_mutex_lock(&q->lock);
  while ((q->head == NULL || (number >= 0 && q->head->number != number)) && !q->closed) pthread_cond_wait(&q->changed, &q->lock);
  b = q->head;
  if (b != NULL) q->head = b->next;
  pthread_mutex_unlock(&q->lock);
  return b;
}
static void *reader(void *arg) {
  unsigned state = (unsigned)(long)arg;
  for (int i = 0; i < BLOCKS; i++) {
    struct block *b = get(&spare, -1);
    b->number = i;
    b->used = SIZE - (size_t)(i * 13 % 500);
    for (size_t k = 0; k < b->used; k++) b->data[k] = (unsigned char)((state = state * 69069 + 1) >> 24);
    put(&todo, b);
  }
  pthread_mutex_lock(&todo.lock);
  todo.closed = 1;
  pthread_cond_broadcast(&todo.changed);
  pthread_mutex_unlock(&todo.lock);
  return NULL;
}
static void *worker(void *arg) {
  struct block *b;
  (void)arg;
  while ((b = get(&todo, -1)) != NULL) {
    for (size_t k = 1; k < b->used; k++) b->data[k] = (unsigned char)(b->data[k] ^ b->data[k - 1] << 1);
    put(&done, b);
  }
  return NULL;
}
int main(void) {
  pthread_t t[WORKERS + 1];
  unsigned long sum = 0;
  for (int i = 0; i < 8; i++) put(&spare, calloc(1, sizeof(struct block)));
  pthread_create(&t[0], NULL, reader, (void *)17);
  for (int i = 1; i <= WORKERS; i++) pthread_create(&t[i], NULL, worker, NULL);
  for (int i = 0; i < BLOCKS; i++) {
    struct block *b = get(&done, i);
    for (size_t k = 0; k < b->used; k++) sum = sum * 31 + b->data[k];
    put(&spare, b);
  }
  for (int i = 0; i <= WORKERS; i++) pthread_join(t[i], NULL);
  printf("%lx\n", sum);
  return 0;
}
