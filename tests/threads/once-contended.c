// Many threads reach pthread_once at the same time, without a lock around it; the loser waits for the winner's result.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 4, ROUNDS = 20 };
static pthread_once_t once[ROUNDS];
static pthread_barrier_t start;
static int value[ROUNDS], winner[ROUNDS], wrong;
static __thread int me, at;
static void init(void) { for (volatile int k = 0; k < 1000; k++) { } winner[at] = me; value[at] = at + 1; }
static void *work(void *arg) {
  me = (int)(long)arg;
  for (at = 0; at < ROUNDS; at++) {
    pthread_barrier_wait(&start);
    pthread_once(&once[at], init);
    if (value[at] != at + 1) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  pthread_barrier_init(&start, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < ROUNDS; i++) printf("%d", winner[i]);
  printf(" wrong %d\n", wrong);
  return 0;
}
