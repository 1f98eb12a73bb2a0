// Reads a block, prints a line, flushes, over and over: every line goes with a known number of
// logged bytes. Arguments: file, lines, microseconds of sleep per line.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static unsigned char block[1000];
  if (argc != 4)
    return 2;
  int fd = open(argv[1], O_RDONLY);
  long lines = atol(argv[2]), pause = atol(argv[3]);
  unsigned sum = 1;
  for (long n = 0; n < lines; n++) {
    if (read(fd, block, sizeof block) != sizeof block)
      return 4;
    for (size_t i = 0; i < sizeof block; i++)
      sum = sum * 33 + block[i];
    printf("%06ld %08x\n", n, sum);
    fflush(stdout);
    if (pause)
      usleep((useconds_t)pause);
  }
  close(fd);
  return 5;
}
