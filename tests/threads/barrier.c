// Barriers: which thread is the serial one, and that all see what was written before.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 25 };
static pthread_barrier_t barrier;
static int cells[THREADS], wrong;
static char serial[ROUNDS + 1];
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int r = 0; r < ROUNDS; r++) {
    cells[me] = r * 10 + me;
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial[r] = (char)('a' + me);
    for (int i = 0; i < THREADS; i++)
      if (cells[i] != r * 10 + i) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s wrong %d destroy %d\n", serial, wrong, pthread_barrier_destroy(&barrier));
  return 0;
}
