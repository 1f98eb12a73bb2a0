// Semaphores, unnamed and named: order of the threads that got through, tries and time limits.
//# varies: output
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 4, ROUNDS = 12 };
static sem_t two, empty, *named;
static int used, refused, late, inside, most;
static char order[THREADS * ROUNDS + 1];
static void *work(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    while (sem_wait(&two) != 0) { }
    int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (n > most) most = n;
    order[__atomic_fetch_add(&used, 1, __ATOMIC_SEQ_CST)] = (char)('a' + (long)arg);
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    sem_post(&two);
    if (sem_trywait(named) == 0) { for (volatile int k = 0; k < 500; k++) { } sem_post(named); }
    else if (errno == EAGAIN) __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
  }
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (sem_timedwait(&empty, &t) != 0 && errno == ETIMEDOUT) __atomic_add_fetch(&late, 1, __ATOMIC_RELAXED);
  sem_post(&empty);
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  char name[40];
  int left, kept;
  snprintf(name, sizeof name, "/itarget-test-%d", (int)getpid());
  sem_init(&two, 0, 2);
  sem_init(&empty, 0, 0);
  named = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  if (named == SEM_FAILED) return 1;
  sem_unlink(name);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  sem_getvalue(&two, &left);
  sem_getvalue(&empty, &kept);
  printf("%s\nleft %d kept %d refused %d late %d most %d\n", order, left, kept, refused, late, most > 0);
  sem_destroy(&two);
  sem_destroy(&empty);
  return sem_close(named);
}
