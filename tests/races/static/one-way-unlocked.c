// On one way the lock is given back early, on another it is not taken: what follows both is unprotected.
//# races: early, never
#include <pthread.h>
static long early, never, always;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg) {
  pthread_mutex_lock(&lock);
  always++;
  if (arg) pthread_mutex_unlock(&lock);
  early++;
  if (!arg) pthread_mutex_unlock(&lock);
  if (arg) pthread_mutex_lock(&lock);
  never++;
  if (arg) pthread_mutex_unlock(&lock);
  return arg;
}
int main(int argc, char **argv) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, argc > i ? argv : NULL);
  return 0;
}
