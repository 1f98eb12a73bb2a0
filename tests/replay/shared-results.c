// Functions that run at replay, too, leave results in memory that processes share, and take arguments from there: that memory is the environment's.
//# libs: -pthread
#define _GNU_SOURCE
#include <getopt.h>
#include <iconv.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "outside.h"

struct shared {
  char text[64], *p, *q;
  size_t n;
  struct sigaction action, old;
  pthread_mutexattr_t kind;
  pthread_key_t key;
  struct sigevent event;
  timer_t timer;
};

static int formatted(char **to, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vasprintf(to, format, list);
  va_end(list);
  return n;
}

static volatile int caught;
static void handler(int s) { caught = s; }

int main(void) {
  struct shared *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (m == MAP_FAILED) return 1;
  printf("%d", asprintf(&m->p, "%d and %s", 42, "more"));
  printf(" %s\n", m->p);
  printf("%d", formatted(&m->q, "%s", "list"));
  printf(" %s\n", m->q);
  free(m->p);
  free(m->q);

  FILE *f = fopen("/proc/self/stat", "r");
  m->p = NULL;
  printf("%d %d\n", getline(&m->p, &m->n, f) > 10, m->n > 10 && strchr(m->p, ')') != NULL);
  fclose(f);
  free(m->p);

  printf("%d", posix_memalign((void **)&m->p, 64, 100));
  printf(" %d\n", (int)((unsigned long)m->p % 64));
  memset(m->p, 7, 100);
  free(m->p);

  m->action.sa_handler = handler;
  printf("%d", sigaction(SIGUSR1, &m->action, NULL));
  printf(" %d", sigaction(SIGUSR1, NULL, &m->old));
  printf(" %d\n", m->old.sa_handler == handler);
  raise(SIGUSR1);
  printf("%d\n", caught == SIGUSR1);

  strcpy(m->text, "SHARED_NAME");
  printf("%d", setenv(m->text, m->text, 1));
  printf(" %s\n", getenv("SHARED_NAME"));

  pthread_mutex_t mutex;
  pthread_mutexattr_init(&m->kind);
  pthread_mutexattr_settype(&m->kind, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&mutex, &m->kind);
  printf("%d", pthread_mutex_lock(&mutex));
  printf("%d\n", pthread_mutex_lock(&mutex));

  printf("%d", pthread_key_create(&m->key, NULL));
  printf(" %d", pthread_setspecific(m->key, m));
  printf(" %d\n", pthread_getspecific(m->key) == m);

  m->event.sigev_notify = SIGEV_NONE;
  printf("%d", timer_create(CLOCK_REALTIME, &m->event, &m->timer));
  printf(" %d\n", timer_delete(m->timer));

  iconv_t c = iconv_open("UTF-16LE", "UTF-8");
  char out[20], *to = out;
  size_t room = sizeof out;
  m->p = strcpy(m->text, "abc");
  m->n = 3;
  printf("%d", (int)iconv(c, &m->p, &m->n, &to, &room));
  printf(" %d %d\n", (int)m->n, (int)(to - out));
  iconv_close(c);
  printf("%d\n", read_all());
  return 0;
}
