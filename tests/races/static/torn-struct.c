// A structure written member by member and copied whole; its twin under a lock.
//# races: torn.words
#include <pthread.h>
static struct record { long words[8]; } torn, whole;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *writes(void *arg) {
  for (int i = 0; i < 8; i++) torn.words[i] = (long)arg;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < 8; i++) whole.words[i] = (long)arg;
  pthread_mutex_unlock(&lock);
  return NULL;
}
int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, writes, &t);
  struct record copy = torn;
  pthread_mutex_lock(&lock);
  struct record other = whole;
  pthread_mutex_unlock(&lock);
  return (int)(copy.words[0] + other.words[0]);
}
