// Memory allocated in one thread and freed in others, for long: addresses are printed, and the pool must not grow without end.
//# varies: output
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { BLOCKS = 6000, ROOM = 16 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static void *queue[ROOM];
static int head, count;
static unsigned long freed[2];
static uintptr_t lowest = UINTPTR_MAX, highest;
static void *make(void *arg) {
  (void)arg;
  for (int i = 0; i < BLOCKS; i++) {
    size_t n = 32 + (size_t)(i * 37 % 900);
    char *p = malloc(n);
    memset(p, i, n);
    if ((uintptr_t)p < lowest) lowest = (uintptr_t)p;
    if ((uintptr_t)p > highest) highest = (uintptr_t)p;
    pthread_mutex_lock(&lock);
    while (count == ROOM) pthread_cond_wait(&changed, &lock);
    queue[(head + count++) % ROOM] = p;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
static void *drop(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < BLOCKS / 2; i++) {
    pthread_mutex_lock(&lock);
    while (count == 0) pthread_cond_wait(&changed, &lock);
    char *p = queue[head];
    head = (head + 1) % ROOM;
    count--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    sum = sum * 31 + (uintptr_t)p + (unsigned char)p[5];
    if (i % 3 == 0) p = realloc(p, 2000);
    free(p);
  }
  freed[(long)arg] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[3];
  pthread_create(&t[0], NULL, make, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&t[1 + i], NULL, drop, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  printf("%lx %lx small %d\n", freed[0], freed[1], highest - lowest < (4u << 20));
  return 0;
}
