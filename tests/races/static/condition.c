// A queue of one with a condition variable, where all is done under the lock.
//# races: none
#include <pthread.h>
static int full, item;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static void *take(void *arg) {
  pthread_mutex_lock(&lock);
  while (!full) pthread_cond_wait(&changed, &lock);
  long got = item;
  full = 0;
  pthread_mutex_unlock(&lock);
  return (void *)got;
}
int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, take, NULL);
  pthread_mutex_lock(&lock);
  item = 5;
  full = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return 0;
}
