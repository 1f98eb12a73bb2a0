// A timer that runs a function in a thread of the library (SIGEV_THREAD).
//# varies: output
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t fired;
static int times;
static struct timespec when[3];
static void on_time(union sigval v) {
  pthread_mutex_lock(&lock);
  if (times < 3) {
    clock_gettime(CLOCK_MONOTONIC, &when[times]);
    times += v.sival_int;
    sem_post(&fired);
  }
  pthread_mutex_unlock(&lock);
}
int main(void) {
  timer_t timer;
  struct sigevent e;
  memset(&e, 0, sizeof e);
  e.sigev_notify = SIGEV_THREAD;
  e.sigev_notify_function = on_time;
  e.sigev_value.sival_int = 1;
  sem_init(&fired, 0, 0);
  if (timer_create(CLOCK_MONOTONIC, &e, &timer) != 0) return 1;
  struct itimerspec t = {{0, 1000000}, {0, 1000000}};
  timer_settime(timer, 0, &t, NULL);
  for (int i = 0; i < 3; i++) while (sem_wait(&fired) != 0) { }
  timer_delete(timer);
  pthread_mutex_lock(&lock);
  for (int i = 0; i < 3; i++) printf("%ld\n", when[i].tv_nsec);
  pthread_mutex_unlock(&lock);
  return 0;
}
