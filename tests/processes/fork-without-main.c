// A thread forks when the main one has ended; the child is killed, its threads with it. Another one dies by itself.
//# children: print
//# children: beside threads
//# processes: 3
//# child: 1 killed
//# child: 2 fault
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static int up[2];
static long *volatile nowhere;
static void *waits(void *arg) {
  int status = 0;
  pthread_join(*(pthread_t *)arg, NULL);
  if (pipe(up) != 0) return NULL;
  pid_t pid = fork();
  if (pid == 0) {
    char *own = malloc(100);
    printf("child %d\n", snprintf(own, 100, "%ld", (long)time(NULL)));
    fflush(stdout);
    if (write(up[1], own, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char c;
  if (read(up[0], &c, 1) != 1) return NULL;
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  printf("signal %d\n", WTERMSIG(status));
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    printf("%s\n", getpid() > 0 ? "second" : "");
    fflush(stdout);
    *nowhere = 1;
  }
  waitpid(pid, &status, 0);
  printf("signal %d\n", WTERMSIG(status));
  return NULL;
}
int main(void) {
  static pthread_t self;
  pthread_t t;
  setvbuf(stdout, NULL, _IOLBF, 0);
  self = pthread_self();
  pthread_create(&t, NULL, waits, &self);
  pthread_exit(NULL);
}
