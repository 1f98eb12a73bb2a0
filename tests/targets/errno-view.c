// errno is the library's own, and a replay asks the library where it is: what a thread saw there last can't be found by its address, which is
// another one at replay. The table has the same low bits wherever errno is.
//# target: work:!start:!worker:!main:!fill
//# libs: -lpthread
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
enum { PLACES = 1 << 20 };  /* 4 bytes each: as many as a thread remembers */
static int table[PLACES];
__attribute__((noinline)) static void fill(int k) {
  for (int i = 0; i < PLACES; i++) table[i] = i / 8 + k;
  errno = 10 + k;
}
__attribute__((noinline)) static void work(int k) {
  unsigned long sum = 0;
  for (int i = 0; i < PLACES; i++) sum = sum * 31 + table[i];
  sum += errno;
  for (int i = 0; i < PLACES; i++) sum = sum * 31 + table[i];
  printf("%lu\n", sum);
}
static void *worker(void *a) {
  fill(9);
  work(9);
  return a;
}
__attribute__((noinline)) static void start(void) {
  pthread_t t;
  pthread_create(&t, 0, worker, 0);
  pthread_join(t, 0);
}
int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) start();
  for (int k = 0; k < 2; k++) {
    fill(k);
    work(k);
  }
  return 0;
}
