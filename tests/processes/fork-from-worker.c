// A thread forks while the main one waits for it, and while that runs: each child has that thread alone, on its stack, with what is its own. It computes, allocates,
// prints and ends with a status; has a child of its own; starts threads; ends like a thread; becomes another program.
//# children: print
//# children: beside threads
//# processes: 11
//# child: 7 exec
//# child: 10 abort
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
enum { COMPUTES, FORKS, STARTS, RETURNS, EXECS, EXITS, LEAVES_THREADS, ABORTS, KINDS };
static _Thread_local long own = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static long shared, before, parent;
static char *text, *list;
static void prepare(void) {
  // The child takes it, too.
  pthread_mutex_lock(&lock);
  before++;
}
static void in_parent(void) {
  parent++;
  pthread_mutex_unlock(&lock);
}
static void in_child(void) {
  own++;
  pthread_mutex_unlock(&lock);
}
static void at_exit(void) { printf("at exit: %ld\n", before); }
static void destroy(void *p) {
  printf("destroyed: %s\n", (char *)p);
  free(p);
}
static long compute(int n) {
  long *list = malloc(sizeof *list * 1000), sum = own;
  for (int i = 0; i < 1000; i++) list[i] = i * n + shared;
  for (int i = 0; i < 1000; i++) sum += list[i];
  free(list);
  return sum;
}
static void *thread(void *arg) {
  pthread_mutex_lock(&lock);
  *(long *)arg += ++shared + own;
  pthread_mutex_unlock(&lock);
  return arg;
}
static void *slow(void *arg) {
  struct timespec t = { 0, 20000000 };
  nanosleep(&t, NULL);
  void *result = NULL;
  if (pthread_join((pthread_t)arg, &result) == 0) printf("joined: %ld\n", (long)result);
  printf("slow: %ld\n", own);
  return NULL;
}
static void *child(int kind) {
  int local = kind + 100, status = 0;
  printf("child %d: %ld %s %d\n", kind, compute(kind + 1), text, local);
  fflush(stdout);
  switch (kind) {
  case FORKS: {
    pid_t pid = fork();
    if (pid == 0) {
      printf("grandchild: %ld %ld\n", own, compute(9));
      fflush(stdout);
      _exit(5);
    }
    waitpid(pid, &status, 0);
    _exit(WEXITSTATUS(status) + 1);
  }
  case STARTS: {
    pthread_t t[3];
    long values[3] = { 1, 20, 300 }, sum = 0;
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, thread, &values[i]);
    for (int i = 0; i < 3; i++) {
      void *value;
      pthread_join(t[i], &value);
      sum += *(long *)value;
    }
    pid_t pid = fork();
    if (pid == 0) {
      pthread_create(&t[0], NULL, thread, &values[0]);
      pthread_join(t[0], NULL);
      exit(2);
    }
    waitpid(pid, &status, 0);
    printf("threads: %ld\n", sum);
    fflush(stdout);
    _exit(30 + WEXITSTATUS(status));
  }
  case RETURNS:
    pthread_setspecific(key, strdup("value"));
    return NULL;
  case EXECS:
    execlp("sh", "sh", "-c", "exit 9", NULL);
    _exit(1);
  case EXITS:
    exit(17);
  case LEAVES_THREADS: {
    pthread_t t;
    pthread_create(&t, NULL, slow, (void *)pthread_self());
    pthread_setspecific(key, strdup("other"));
    pthread_exit((void *)44L);
  }
  case ABORTS:
    abort();
  }
  _exit(local);
}
static void *work(void *arg) {
  int kind = (int)(long)arg, status = 0;
  own += kind;
  pid_t pid = fork();
  if (pid == 0) return child(kind);
  if (waitpid(pid, &status, 0) != pid) return (void *)-1L;
  return (void *)(long)(WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_atfork(prepare, in_parent, in_child);
  pthread_key_create(&key, destroy);
  atexit(at_exit);
  text = strdup("text");
  for (long kind = 0; kind < KINDS; kind++) {
    pthread_t t;
    void *value;
    pthread_mutex_lock(&lock);
    shared = kind * 10;
    pthread_mutex_unlock(&lock);
    if (pthread_create(&t, NULL, work, (void *)kind) != 0) return 1;
    if (kind == FORKS || kind == STARTS) {
      // It runs meanwhile.
      char *last = NULL;
      for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&lock);
        free(last);
        last = malloc((size_t)i % 500 + 1);
        list = last;
        pthread_mutex_unlock(&lock);
      }
      free(last);
    }
    if (pthread_join(t, &value) != 0) return 2;
    printf("%ld: %ld\n", kind, (long)value);
    fflush(stdout);
  }
  printf("%ld %ld\n", before, parent);
  return 0;
}
