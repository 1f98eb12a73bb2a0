// Release and acquire: data handed over behind a flag that is polled; how long the polling took is printed.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
enum { ROUNDS = 60 };
static atomic_int ready, taken;
static char message[64];
static long polls;
static atomic_int x, y;
static int seen_x[ROUNDS], seen_y[ROUNDS];
static pthread_barrier_t both;
static void *producer(void *arg) {
  (void)arg;
  for (int i = 1; i <= ROUNDS; i++) {
    snprintf(message, sizeof message, "message %d", i);
    atomic_store_explicit(&ready, i, memory_order_release);
    while (atomic_load_explicit(&taken, memory_order_acquire) != i) sched_yield();
  }
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&both);
    atomic_store_explicit(&x, i + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    seen_y[i] = atomic_load_explicit(&y, memory_order_relaxed) == i + 1;
    pthread_barrier_wait(&both);
  }
  return NULL;
}
int main(void) {
  pthread_t t;
  unsigned long sum = 0;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&t, NULL, producer, NULL);
  for (int i = 1; i <= ROUNDS; i++) {
    while (atomic_load_explicit(&ready, memory_order_acquire) != i) polls++;
    for (const char *p = message; *p; p++) sum = sum * 31 + (unsigned char)*p;
    atomic_store_explicit(&taken, i, memory_order_release);
  }
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&both);
    atomic_store_explicit(&y, i + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    seen_x[i] = atomic_load_explicit(&x, memory_order_relaxed) == i + 1;
    pthread_barrier_wait(&both);
  }
  pthread_join(t, NULL);
  int neither = 0;
  for (int i = 0; i < ROUNDS; i++) { printf("%d%d ", seen_x[i], seen_y[i]); neither += !seen_x[i] && !seen_y[i]; }
  printf("\nsum %lu polls %ld neither %d\n", sum, polls, neither);
  return 0;
}
