// Messages that threads copy into rings of bytes and out of them, as structures whose pointer is not at their beginning: what they lead to races.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { BYTES = 256, ROUNDS = 50000 };
struct job { int id; long sum; };
struct message { int op; struct job *job; };
struct numbered { short number; struct job *job; };
static char ring[BYTES];
static struct { int head, tail; char bytes[BYTES]; } other;
static int head, tail;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static void put(char *bytes, int *at, const void *from, size_t size) {
  pthread_mutex_lock(&lock);
  memcpy(bytes + *at % BYTES, from, size);
  *at += (int)size;
  pthread_cond_broadcast(&filled);
  pthread_mutex_unlock(&lock);
}
static void get(const char *bytes, const int *until, int *at, void *to, size_t size) {
  pthread_mutex_lock(&lock);
  while (*until == *at) pthread_cond_wait(&filled, &lock);
  memcpy(to, bytes + *at % BYTES, size);
  *at += (int)size;
  pthread_mutex_unlock(&lock);
}
static unsigned long work(struct job *job) {
  unsigned long hash = 0;
  for (int i = 0; i < ROUNDS; i++) {
    job->sum = job->sum * 3 + i;
    hash = hash * 31 + (unsigned long)job->sum;
    if (i % 500 == 0) sched_yield();
    __asm__ volatile("" ::: "memory");
  }
  return hash;
}
static void *worker(void *arg) {
  struct message m;
  get(ring, &head, &tail, &m, sizeof m);
  return (void *)(work(m.job) + (unsigned long)arg);
}
static void *numbered_worker(void *arg) {
  struct numbered m;
  get(other.bytes, &other.head, &other.tail, &m, sizeof m);
  return (void *)(work(m.job) + (unsigned long)arg);
}
int main(void) {
  pthread_t t[2];
  void *value[2];
  struct job *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
  struct message m = { 1, first };
  struct numbered n = { 1, second };
  unsigned long hash = 0;
  pthread_create(&t[0], NULL, worker, NULL);
  pthread_create(&t[1], NULL, numbered_worker, NULL);
  put(ring, &head, &m, sizeof m);
  put(other.bytes, &other.head, &n, sizeof n);
  for (int i = 0; i < ROUNDS; i++) {
    hash = hash * 31 + (unsigned long)first->sum + 7 * (unsigned long)second->sum;
    if (i % 500 == 0) sched_yield();
    __asm__ volatile("" ::: "memory");
  }
  for (int i = 0; i < 2; i++) pthread_join(t[i], &value[i]);
  printf("%lx %lx %lx\n", hash, (unsigned long)value[0], (unsigned long)value[1]);
  return 0;
}
