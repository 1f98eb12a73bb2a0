// Talks much with its environment: one line for every block it reads, so that a log with one
// byte changed and unnoticed would give another output. Arguments: a word, a file to read.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  unsigned char block[1000];
  unsigned sum = 7;
  long n = 0;
  ssize_t got;
  printf("%s, %d arguments, TZ is %s\n", argv[1], argc, getenv("TZ") ? getenv("TZ") : "unset");
  int fd = open(argv[2], O_RDONLY);
  while ((got = read(fd, block, sizeof block)) > 0) {
    for (ssize_t i = 0; i < got; i++)
      sum = sum * 31 + block[i];
    printf("block %ld of %zd bytes: %08x\n", n++, got, sum);
  }
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  printf("at %lld.%09ld process %d\n", (long long)t.tv_sec, t.tv_nsec, (int)getpid());
  return 3;
}
