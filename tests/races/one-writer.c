// What one thread writes without a lock, and two under a lock, while others look without one: what those see is logged, what the
// writers read is not.
//# varies: output
//# log-below: 400000
#include <pthread.h>
#include <stdio.h>
enum { ROUNDS = 100000, LOOKS = 2000 };
static unsigned long progress, hash = 1, both;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *writes(void *arg) {
  for (unsigned long i = 1; i <= ROUNDS; i++) {
    hash = hash * 31 + i;
    progress = progress + 1;
    if (i % 1000 == 0) {
      pthread_mutex_lock(&lock);
      both = both * 7 + (unsigned long)arg;
      pthread_mutex_unlock(&lock);
    }
  }
  return NULL;
}
static void *locks(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < LOOKS; i++) {
    pthread_mutex_lock(&lock);
    both = both * 3 + (unsigned long)arg;
    pthread_mutex_unlock(&lock);
    sum = sum * 31 + both;
  }
  return (void *)sum;
}
static void *looks(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < LOOKS; i++) {
    sum = sum * 31 + *(volatile unsigned long *)&progress + *(volatile unsigned long *)&hash;
    sum += *(volatile unsigned long *)&both;
  }
  return (void *)(sum + (unsigned long)arg);
}
int main(void) {
  pthread_t t[3];
  void *value;
  pthread_create(&t[0], NULL, writes, (void *)1);
  pthread_create(&t[1], NULL, locks, (void *)2);
  pthread_create(&t[2], NULL, looks, (void *)3);
  for (int i = 0; i < 3; i++) {
    pthread_join(t[i], &value);
    printf("%lx\n", (unsigned long)value);
  }
  printf("%lu %lx %lx\n", progress, hash, both);
  return 0;
}
