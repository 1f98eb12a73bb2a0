// A daemon: the starter forks and ends only when the grandchild has said through a pipe that it runs; setsid, new files.
//# processes: 3
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int p[2], q[2], status;
  char text[100];
  if (pipe(p) != 0 || pipe(q) != 0) return 1;
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    umask(022);
    if (chdir("/") != 0) _exit(1);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(null, i);
    int n = snprintf(text, sizeof text, "daemon runs, its session is its own: %d", getsid(0) != getpid());
    if (write(p[1], text, (size_t)n + 1) < 0) _exit(1);
    // The starter ends, or closes its end: then the daemon ends, too, and with it the other pipe.
    close(q[1]);
    (void)!read(q[0], text, 1);
    _exit(0);
  }
  waitpid(pid, &status, 0);
  close(p[1]);
  ssize_t n = read(p[0], text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  puts(text);
  close(q[1]);
  n = read(p[0], text, 1);
  printf("ended %zd, status %d\n", n, WEXITSTATUS(status));
  return 0;
}
