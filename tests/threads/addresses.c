// Addresses of stacks, thread-local variables and heap blocks of every thread: a replay prints the same.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 4, BLOCKS = 6 };
static __thread int tls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg) {
  int local = (int)(long)arg;
  void *blocks[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc((size_t)(16 << i) + (size_t)local);
  for (int i = 0; i < BLOCKS; i += 2) free(blocks[i]);
  void *again = malloc(40), *zeros = calloc(10, 100), *grown = realloc(malloc(10), 5000), *aligned = NULL;
  if (posix_memalign(&aligned, 256, 100) != 0) aligned = NULL;
  pthread_mutex_lock(&lock);
  printf("%d stack %p tls %p self %lx heap", local, (void *)&local, (void *)&tls, (unsigned long)pthread_self());
  for (int i = 0; i < BLOCKS; i++) printf(" %p", blocks[i]);
  printf(" %p %p %p %p\n", again, zeros, grown, aligned);
  pthread_mutex_unlock(&lock);
  for (int i = 1; i < BLOCKS; i += 2) free(blocks[i]);
  free(again);
  free(zeros);
  free(grown);
  free(aligned);
  return malloc(100);
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { void *v; pthread_join(t[i], &v); printf("%p\n", v); free(v); }
  for (long i = 0; i < THREADS; i++) { void *v; pthread_create(&t[i], NULL, work, (void *)i); pthread_join(t[i], &v); free(v); }
  printf("main %p %p\n", (void *)&tls, malloc(33));
  return 0;
}
