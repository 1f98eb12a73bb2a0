// The order in which threads get a mutex is printed, and so is what each saw of the others.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { THREADS = 4, ROUNDS = 60 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[THREADS * ROUNDS + 1];
static int used, longest, run, last = -1;
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    order[used++] = (char)('a' + me);
    run = last == me ? run + 1 : 1;
    last = me;
    if (run > longest) longest = run;
    pthread_mutex_unlock(&lock);
    for (volatile int k = 0; k < 200 * me; k++) { }
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s\n%d %d\n", order, used, longest);
  return 0;
}
