// pthread_once and call_once: who ran the initialiser is printed; all see its result.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <threads.h>
enum { THREADS = 6, ONCES = 12 };
static pthread_once_t once[ONCES];
static once_flag c11 = ONCE_FLAG_INIT;
static __thread int me;
static int current, winner[ONCES], c11_winner = -1, runs, wrong;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void init(void) { runs++; winner[current] = me; }
static void init_c11(void) { c11_winner = me; }
static void *work(void *arg) {
  me = (int)(long)arg;
  for (int i = 0; i < ONCES; i++) {
    pthread_mutex_lock(&lock);
    current = i > current ? i : current;
    if (current == i) pthread_once(&once[i], init);
    pthread_mutex_unlock(&lock);
  }
  call_once(&c11, init_c11);
  if (c11_winner < 0) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (int i = 0; i < ONCES; i++) { pthread_once_t o = PTHREAD_ONCE_INIT; once[i] = o; winner[i] = -1; }
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < ONCES; i++) printf("%d ", winner[i]);
  printf("runs %d c11 %d wrong %d\n", runs, c11_winner, wrong);
  return 0;
}
