// A stream locked by hand while others print on it, a message on stderr meanwhile, and a pipe that is full until another thread has printed.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { ROUNDS = 200, BYTES = 300000 };
static pthread_barrier_t both;
static int ends[2];
static void *by_hand(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    flockfile(stdout);
    printf("%s", "held ");
    printf("%d\n", i);
    funlockfile(stdout);
  }
  return arg;
}
static void *at_once(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    printf("at once %d\n", i);
    if (i % 20 == 0) perror("said");
  }
  return arg;
}
static void *reader(void *arg) {
  char some[4096];
  size_t all = 0;
  ssize_t n;
  pthread_barrier_wait(&both);
  usleep(20000);
  puts("reads");
  while ((n = read(ends[0], some, sizeof some)) > 0) all += (size_t)n;
  printf("%zu bytes\n", all);
  return arg;
}
int main(void) {
  pthread_t t[3];
  void *(*const work[])(void *) = {by_hand, at_once, reader};
  pthread_barrier_init(&both, NULL, 2);
  if (pipe(ends)) return 1;
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, work[i], NULL);
  char *text = malloc(BYTES);
  memset(text, 'x', BYTES);
  pthread_barrier_wait(&both);
  // More than a pipe holds.
  ssize_t n = write(ends[1], text, BYTES);
  printf("%zd written\n", n);
  close(ends[1]);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  free(text);
  return 0;
}
