// A prefork server: children accept on a common socket, are told to end by SIGTERM, report through shared counters.
//# processes: 4
//# varies: output
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
enum { CHILDREN = 3, REQUESTS = 30 };
static volatile sig_atomic_t stop;
static void on_term(int s) { (void)s; stop = 1; }
static void serve(int listener, int number) {
  int served = 0;
  while (!stop) {
    char text[64];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    ssize_t n = read(fd, text, sizeof text);
    if (n > 0) { text[0] = (char)('0' + number); if (write(fd, text, (size_t)n) == n) served++; }
    close(fd);
  }
  _exit(served);
}
int main(void) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t size = sizeof a;
  pid_t pids[CHILDREN];
  int listener = socket(AF_INET, SOCK_STREAM, 0), total = 0;
  char order[REQUESTS + 1];
  struct sigaction sa;
  // Before there are children: the signal may come before they do anything.
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_term;
  sigaction(SIGTERM, &sa, NULL);
  if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 10) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&a, &size);
  for (int i = 0; i < CHILDREN; i++) if ((pids[i] = fork()) == 0) serve(listener, i);
  for (int i = 0; i < REQUESTS; i++) {
    char text[16] = "?request";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return 2;
    order[i] = write(fd, text, 9) == 9 && read(fd, text, sizeof text) == 9 ? text[0] : '!';
    close(fd);
  }
  order[REQUESTS] = 0;
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    // A signal may come just before accept: again until the child has ended.
    while (kill(pids[i], SIGTERM) == 0 && waitpid(pids[i], &status, WNOHANG) == 0) usleep(1000);
    total += WEXITSTATUS(status);
    printf("child %d served %d\n", i, WEXITSTATUS(status));
  }
  printf("%s total %d\n", order, total);
  return 0;
}
