// Processes that read: the first 1000 bytes, its children 2000 and 3000 bytes; with an argument the last child is killed after that.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static unsigned char block[4000];
static long sum;
__attribute__((noinline)) static void take(int fd, size_t n) {
  if (read(fd, block, n) != (ssize_t)n) _exit(9);
  for (size_t i = 0; i < n; i++) sum += block[i];
}
int main(int count, char **words) {
  (void)words;
  int fd = open("/dev/urandom", O_RDONLY), status;
  for (int i = 2; i <= 3; i++) {
    fflush(stdout);
    if (fork() == 0) {
      take(fd, (size_t)i * 1000);
      printf("%d\n", sum > 0);
      if (i == 3 && count > 1) kill(getpid(), SIGKILL);
      return 0;
    }
    wait(&status);
  }
  take(fd, 1000);
  puts("ends");
  return 0;
}
