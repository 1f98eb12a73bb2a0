// stdio from several threads: lines of one stream interleave, getline on a common stream, locks held by hand.
//# stdin: one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve\n
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 3 };
static void *work(void *arg) {
  char *line = NULL;
  size_t room = 0;
  ssize_t n;
  long me = (long)arg, sum = 0;
  while ((n = getline(&line, &room, stdin)) > 0) {
    printf("%ld took %.*s (%zd)\n", me, (int)n - 1, line, n);
    sum += n;
    flockfile(stdout);
    for (const char *p = "by hand"; *p; p++) putc_unlocked(*p, stdout);
    putchar_unlocked('\n');
    funlockfile(stdout);
    if (ftrylockfile(stderr) == 0) { fprintf(stderr, "%ld has stderr\n", me); funlockfile(stderr); }
  }
  free(line);
  return (void *)sum;
}
int main(void) {
  pthread_t t[THREADS];
  void *value;
  long sum = 0;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) { pthread_join(t[i], &value); sum += (long)value; }
  printf("sum %ld\n", sum);
  return 0;
}
