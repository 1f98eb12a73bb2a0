// SIGCHLD with a self-pipe: the handler writes, the loop reaps.
//# processes: 9
//# varies: output
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { CHILDREN = 8 };
static int self[2];
static volatile sig_atomic_t signals;
static void on_child(int s) {
  int e = errno;
  (void)s;
  signals++;
  (void)!write(self[1], "c", 1);
  errno = e;
}
int main(void) {
  struct sigaction sa;
  int started = 0, ended = 0, order = 0, wakes = 0;
  if (pipe(self) != 0) return 1;
  fcntl(self[0], F_SETFL, O_NONBLOCK);
  fcntl(self[1], F_SETFL, O_NONBLOCK);
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_child;
  sa.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &sa, NULL);
  while (ended < CHILDREN) {
    if (started < CHILDREN) {
      pid_t pid = fork();
      if (pid == 0) _exit(started + 1);
      started++;
    }
    struct pollfd f = { .fd = self[0], .events = POLLIN };
    if (poll(&f, 1, started < CHILDREN ? 0 : 1000) <= 0) continue;
    char room[16];
    int status;
    wakes++;
    while (read(self[0], room, sizeof room) > 0) { }
    while (waitpid(-1, &status, WNOHANG) > 0) { order = (order * 9 + WEXITSTATUS(status)) % 1000003; ended++; }
  }
  printf("order %d wakes %d signals %d\n", order, wakes, (int)signals);
  return 0;
}
