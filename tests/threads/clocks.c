// Threads that ask the environment at the same time: clocks, random numbers, the pid, a file, rand() with its hidden state.
//# varies: output
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 4 };
static unsigned long results[THREADS];
static void *work(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < 200; i++) {
    struct timespec t;
    unsigned r;
    clock_gettime(CLOCK_MONOTONIC, &t);
    sum = sum * 31 + (unsigned long)t.tv_nsec;
    if (getrandom(&r, sizeof r, 0) == sizeof r) sum = sum * 31 + r;
    sum = sum * 31 + (unsigned long)rand();
    sum = sum * 31 + (unsigned long)time(NULL) + (unsigned long)getpid();
    if (i % 50 == 0) {
      int fd = open("/dev/urandom", O_RDONLY);
      if (read(fd, &r, sizeof r) == sizeof r) sum += r;
      close(fd);
    }
  }
  results[(long)arg] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  srand(7);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) printf("%lx\n", results[i]);
  return 0;
}
