// A tree of processes: each child does its part, starts its own children and reports through a pipe and its status.
//# processes: 15
//# varies: output
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int grow(int depth, int number, char *text, size_t size) {
  int used = snprintf(text, size, "%d", number), p[2][2], statuses = 0;
  pid_t pid[2];
  if (depth == 0) return used;
  for (int i = 0; i < 2; i++) {
    if (pipe(p[i]) != 0) exit(9);
    pid[i] = fork();
    if (pid[i] == 0) {
      char mine[400];
      close(p[i][0]);
      int n = grow(depth - 1, number * 2 + i, mine, sizeof mine);
      if (write(p[i][1], mine, (size_t)n) != n) _exit(8);
      _exit(number % 7 + i);
    }
    close(p[i][1]);
  }
  for (int i = 0; i < 2; i++) {
    int status;
    ssize_t n;
    used += snprintf(text + used, size - (size_t)used, "(");
    while ((n = read(p[i][0], text + used, size - (size_t)used - 20)) > 0) used += (int)n;
    close(p[i][0]);
    waitpid(pid[i], &status, 0);
    statuses += WEXITSTATUS(status);
    used += snprintf(text + used, size - (size_t)used, ")");
  }
  return used + snprintf(text + used, size - (size_t)used, "%d", statuses);
}
int main(void) {
  char text[2000];
  grow(3, 1, text, sizeof text);
  puts(text);
  printf("pid %d parent %d\n", (int)getpid(), (int)getppid());
  return 0;
}
