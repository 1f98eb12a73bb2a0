// Handlers around fork, in their order, and daemon(), whose grandchild tells through a pipe.
//# processes: 3
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char trail[64];
static void before1(void) { strcat(trail, "b"); }
static void parent1(void) { strcat(trail, "p"); }
static void child1(void) { strcat(trail, "c"); }
static void before2(void) { strcat(trail, "B"); }
static void child2(void) { strcat(trail, "C"); }
int main(void) {
  int p[2], status;
  char text[100];
  if (pipe(p) != 0) return 1;
  pthread_atfork(before1, parent1, child1);
  pthread_atfork(before2, NULL, child2);
  pid_t pid = fork();
  if (pid == 0) {
    if (daemon(0, 0) != 0) _exit(2);
    char where[50] = "";
    if (getcwd(where, sizeof where) == NULL) _exit(3);
    int n = snprintf(text, sizeof text, "%s in %s, session %d", trail, where, getsid(0) == getpid());
    if (write(p[1], text, (size_t)n) != n) _exit(4);
    _exit(7);
  }
  waitpid(pid, &status, 0);
  close(p[1]);
  ssize_t n = read(p[0], text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  printf("%s: %s, status %d\n", trail, text, WEXITSTATUS(status));
  return 0;
}
