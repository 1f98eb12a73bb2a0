// Cancellation: at a cancellation point, held off, asynchronous; cleanup handlers, and a mutex given back by one.
//# varies: output
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static int cleaned, spun, survived, pipes[2];
static void unlock(void *arg) { pthread_mutex_unlock(arg); cleaned++; }
static void count(void *arg) { cleaned += (int)(long)arg; }
static void *in_condition(void *arg) {
  (void)arg;
  pthread_mutex_lock(&lock);
  pthread_cleanup_push(unlock, &lock);
  for (;;) pthread_cond_wait(&never, &lock);
  pthread_cleanup_pop(0);
  return NULL;
}
static void *in_read(void *arg) {
  char c;
  (void)arg;
  pthread_cleanup_push(count, (void *)10);
  pthread_cleanup_push(count, (void *)100);
  (void)!read(pipes[0], &c, 1);
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return NULL;
}
static void *held_off(void *arg) {
  int old;
  struct timespec t = {0, 3000000};
  (void)arg;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
  nanosleep(&t, NULL);
  survived++;
  pthread_setcancelstate(old, NULL);
  pthread_testcancel();
  survived += 100;
  return NULL;
}
static void *polls(void *arg) {
  (void)arg;
  for (;;) { spun++; pthread_testcancel(); }
  return NULL;
}
int main(void) {
  void *(*const works[])(void *) = { in_condition, in_read, held_off, polls };
  if (pipe(pipes) != 0) return 1;
  for (int i = 0; i < 4; i++) {
    pthread_t t;
    void *value;
    struct timespec d = {0, 1000000};
    pthread_create(&t, NULL, works[i], NULL);
    nanosleep(&d, NULL);
    int r = pthread_cancel(t);
    pthread_join(t, &value);
    printf("%d: %d %d cleaned %d\n", i, r, value == PTHREAD_CANCELED, cleaned);
  }
  printf("lock free %d survived %d spun %d\n", pthread_mutex_trylock(&lock) == 0, survived, spun);
  return 0;
}
