// A pool of workers with futures: jobs beget jobs, results are collected in the order of completion.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { WORKERS = 3 };
struct job { struct job *next; long (*run)(long); long argument, result; int depth, worker; };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, idle = PTHREAD_COND_INITIALIZER;
static struct job *waiting, *completed;
static int pending, stop;
static long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static long square(long n) { return n * n; }
static void submit(long (*run)(long), long argument, int depth) {
  struct job *j = calloc(1, sizeof *j);
  j->run = run;
  j->argument = argument;
  j->depth = depth;
  pthread_mutex_lock(&lock);
  j->next = waiting;
  waiting = j;
  pending++;
  pthread_cond_signal(&more);
  pthread_mutex_unlock(&lock);
}
static void *worker(void *arg) {
  pthread_mutex_lock(&lock);
  for (;;) {
    while (waiting == NULL && !stop) pthread_cond_wait(&more, &lock);
    if (waiting == NULL) break;
    struct job *j = waiting;
    waiting = j->next;
    pthread_mutex_unlock(&lock);
    j->result = j->run(j->argument);
    j->worker = (int)(long)arg;
    if (j->depth > 0) { submit(square, j->result % 100, j->depth - 1); submit(fib, j->argument % 12, j->depth - 1); }
    pthread_mutex_lock(&lock);
    j->next = completed;
    completed = j;
    if (--pending == 0) pthread_cond_broadcast(&idle);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}
int main(void) {
  pthread_t t[WORKERS];
  for (long i = 0; i < WORKERS; i++) pthread_create(&t[i], NULL, worker, (void *)i);
  for (int i = 0; i < 8; i++) submit(i % 2 ? fib : square, i + 8, 3);
  pthread_mutex_lock(&lock);
  while (pending > 0) pthread_cond_wait(&idle, &lock);
  stop = 1;
  pthread_cond_broadcast(&more);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < WORKERS; i++) pthread_join(t[i], NULL);
  int n = 0;
  for (struct job *j = completed, *next; j != NULL; j = next, n++) {
    printf("%d:%ld%s", j->worker, j->result, n % 12 == 11 ? "\n" : " ");
    next = j->next;
    free(j);
  }
  printf("%d\n", n);
  return 0;
}
