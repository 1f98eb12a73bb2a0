// A thousand mutexes that one thread each uses, and one that both do: how often the contended one changed hands is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { MUTEXES = 1000, ROUNDS = 30 };
static struct account { pthread_mutex_t lock; long sum; } accounts[2][MUTEXES];
static struct account shared = { PTHREAD_MUTEX_INITIALIZER, 0 };
static int last = -1, handed;
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int r = 0; r < ROUNDS; r++) {
    for (int i = 0; i < MUTEXES; i++) {
      struct account *a = &accounts[me][i];
      pthread_mutex_lock(&a->lock);
      a->sum += i ^ r;
      pthread_mutex_unlock(&a->lock);
    }
    pthread_mutex_lock(&shared.lock);
    shared.sum += r;
    if (last != me) { handed++; last = me; }
    pthread_mutex_unlock(&shared.lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t[2];
  long sum = 0;
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < MUTEXES; i++) pthread_mutex_init(&accounts[k][i].lock, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < MUTEXES; i++) { sum += accounts[k][i].sum; pthread_mutex_destroy(&accounts[k][i].lock); }
  printf("%ld %ld %d\n", sum, shared.sum, handed);
  return 0;
}
