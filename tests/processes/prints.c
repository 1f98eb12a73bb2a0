// Parent and child both print: a replay of the one shows what that one printed.
//# processes: 2
//# children: print
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int status;
  puts("before");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char text[40];
    int n = snprintf(text, sizeof text, "the child\n");
    return write(1, text, (size_t)n) == n ? 3 : 4;
  }
  waitpid(pid, &status, 0);
  printf("after %d\n", WEXITSTATUS(status));
  return 0;
}
