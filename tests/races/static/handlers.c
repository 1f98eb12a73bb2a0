// A handler of signals may run in any thread, also while a lock is held; destructors of keys and exit handlers too.
//# races: at_end, ended, ticks
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
static long ticks, ended, at_end;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static void on_alarm(int s) { ticks++; }
static void on_end(void *value) { ended++; }
static void on_exit_(void) { at_end++; }
static void *work(void *arg) {
  pthread_setspecific(key, arg);
  pthread_mutex_lock(&lock);
  ticks++;
  pthread_mutex_unlock(&lock);
  at_end++;
  return NULL;
}
int main(void) {
  pthread_t t;
  signal(SIGALRM, on_alarm);
  atexit(on_exit_);
  pthread_key_create(&key, on_end);
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, &key);
  return 0;
}
