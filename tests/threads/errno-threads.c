// errno is each thread's own; so are the results of strerror_r, strtok_r, localtime_r and the locale of a thread.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static char lines[3][200];
static pthread_barrier_t barrier;
static void *work(void *arg) {
  int me = (int)(long)arg;
  char text[] = "one two three", *save, why[60], when[40];
  time_t day = 86400L * 365 * (me + 1);
  struct tm tm;
  int r = me == 0 ? open("/nowhere/at/all", O_RDONLY) : me == 1 ? close(-1) : (int)write(1000, "x", 1);
  pthread_barrier_wait(&barrier);
  int e = errno;
  char *word = strtok_r(text, " ", &save);
  for (int i = 0; i < me; i++) word = strtok_r(NULL, " ", &save);
  strftime(when, sizeof when, "%Y-%m-%d", gmtime_r(&day, &tm));
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = uselocale(c);
  errno = 0;
  double d = strtod(me == 2 ? "1e999" : "1.25", NULL);
  snprintf(lines[me], sizeof lines[me], "%d %d %s %s %s %g %d", r, e, strerror_r(e, why, sizeof why), word, when, d, errno == ERANGE);
  uselocale(old);
  freelocale(c);
  return NULL;
}
int main(void) {
  pthread_t t[3];
  pthread_barrier_init(&barrier, NULL, 3);
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 3; i++) { pthread_join(t[i], NULL); puts(lines[i]); }
  return 0;
}
