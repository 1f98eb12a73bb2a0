// A thread that never ends: main returns while it computes and another waits for ever.
//# end: running
//# status: 4
#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
static volatile unsigned long turns;
static sem_t never, started;
static void *computes(void *arg) { (void)arg; sem_post(&started); for (;;) turns++; return NULL; }
static void *waits(void *arg) { (void)arg; sem_post(&started); sem_wait(&never); return NULL; }
int main(void) {
  pthread_t t;
  sem_init(&never, 0, 0);
  sem_init(&started, 0, 0);
  pthread_create(&t, NULL, computes, NULL);
  pthread_create(&t, NULL, waits, NULL);
  sem_wait(&started);
  sem_wait(&started);
  puts("main ends");
  return 4;
}
