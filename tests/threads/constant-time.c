// Without data races: a comparison that reads any bytes as volatile leaves what it reads in replay space, and a flag that a handler
// of signals sets, though it is not volatile, is what the loop found.
//# races: trust
//# varies: output
//# log-below: 18000
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct item { char name[24]; struct sigaction action; long uses; };
static struct item *items[8];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int stop;
static void handler(int signal) { stop = signal; }
static int __attribute__((noinline)) same(const void *a, const void *b, size_t n) {
  const volatile unsigned char *x = a, *y = b;
  unsigned char d = 0;
  while (n--) d |= *x++ ^ *y++;
  return d == 0;
}
static void *run(void *arg) {
  long me = (long)arg;
  for (int round = 0; round < 200; round++) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 100; i++) {
      struct item *item = items[i % 8];
      item->uses += same(item->name, items[me]->name, 1);
    }
    pthread_mutex_unlock(&lock);
  }
  if (me == 1) raise(SIGUSR1);
  return NULL;
}
int main(void) {
  pthread_t t[2];
  long uses = 0, naps = 0;
  for (int i = 0; i < 8; i++) {
    items[i] = calloc(1, sizeof *items[i]);
    snprintf(items[i]->name, sizeof items[i]->name, "item %d", i / 2);
    items[i]->action.sa_handler = handler;
  }
  sigaction(SIGUSR1, &items[3]->action, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, run, (void *)i);
  while (!stop) {
    usleep(2000);
    naps++;
  }
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < 8; i++) uses += items[i]->uses;
  printf("%ld uses, signal %d, %ld naps\n", uses, stop, naps);
  return 0;
}
