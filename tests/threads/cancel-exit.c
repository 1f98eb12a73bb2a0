// Cancellation beside pthread_exit: in nested calls, with a handler that frees, of a thread that waits for another, that prints, and of one
// that has ended; a thread that is cancelled again and again, and keys whose destructors run after that.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static pthread_key_t key;
static sem_t started, ended;
static int destroyed, freed, handled;
static pthread_t sleeper;
static void destroy(void *p) { destroyed += *(int *)p; free(p); }
static void release(void *p) { freed += (int)strlen(p); free(p); }
static void note(void *p) { handled = handled * 10 + (int)(long)p; }
static void keep(int n) { int *p = malloc(sizeof *p); *p = n; pthread_setspecific(key, p); }
static int nested(int depth) {
  int r = 0;
  char *text = strdup("nested text");
  pthread_cleanup_push(release, text);
  if (depth > 0) r = nested(depth - 1);
  else { sem_post(&started); for (;;) { struct timespec t = {1, 0}; nanosleep(&t, NULL); } }
  pthread_cleanup_pop(1);
  return r + depth;
}
static void *in_nested(void *arg) { keep(1); return (void *)(long)nested(3); }
static void *in_sleep(void *arg) { sem_post(&started); sleep(1000); return arg; }
static void *in_join(void *arg) {
  void *v;
  keep(10);
  pthread_cleanup_push(note, (void *)1);
  pthread_cleanup_push(note, (void *)2);
  sem_post(&started);
  pthread_join(sleeper, &v);
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return NULL;
}
static void *prints(void *arg) {
  int old;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old);
  if (old != PTHREAD_CANCEL_ASYNCHRONOUS) return NULL;
  sem_post(&started);
  for (long i = 0;; i++) {
    char line[32];
    int n = snprintf(line, sizeof line, "%ld\n", i);
    if (i % 64 == 0) (void)!write(STDERR_FILENO, line, (size_t)n);
    pthread_testcancel();
  }
}
static void *exits(void *arg) {
  pthread_cleanup_push(note, (void *)3);
  sem_post(&started);
  pthread_exit((void *)7);
  pthread_cleanup_pop(0);
  return NULL;
}
static void *in_wait(void *arg) {
  keep(100);
  pthread_cleanup_push(note, (void *)4);
  sem_post(&started);
  sem_wait(&ended);
  pthread_cleanup_pop(0);
  return NULL;
}
int main(void) {
  void *(*const works[])(void *) = { in_nested, in_join, prints, exits, in_wait };
  sem_init(&started, 0, 0);
  sem_init(&ended, 0, 0);
  pthread_key_create(&key, destroy);
  pthread_create(&sleeper, NULL, in_sleep, NULL);
  sem_wait(&started);
  for (int i = 0; i < 5; i++) {
    pthread_t t;
    void *value;
    struct timespec d = {0, 2000000};
    pthread_create(&t, NULL, works[i], NULL);
    sem_wait(&started);
    nanosleep(&d, NULL);
    pthread_cancel(t);
    pthread_cancel(t);
    int r = pthread_join(t, &value);
    printf("%d: %d %ld destroyed %d freed %d handled %d\n", i, r, (long)value, destroyed, freed, handled);
  }
  pthread_cancel(sleeper);
  void *value;
  printf("%d\n", pthread_join(sleeper, &value) == 0 && value == PTHREAD_CANCELED);
  return 0;
}
