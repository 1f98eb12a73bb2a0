// A lock that may not have been taken, and one of an array: neither counts.
//# races: several, tried
#include <pthread.h>
static long tried, several;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, locks[4];
static void *work(void *arg) {
  int mine = pthread_mutex_trylock(&lock);
  tried++;
  if (mine == 0) pthread_mutex_unlock(&lock);
  pthread_mutex_lock(&locks[(long)arg & 3]);
  several++;
  pthread_mutex_unlock(&locks[(long)arg & 3]);
  return arg;
}
int main(void) {
  pthread_t t;
  for (long i = 0; i < 3; i++) pthread_create(&t, NULL, work, (void *)i);
  return 0;
}
