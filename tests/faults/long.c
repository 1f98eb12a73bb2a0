// Reads so much that its log is packed while it is recorded: about 130 MB, some of it without any pattern. Then it waits until the
// file that it is given has a megabyte, for a minute at most: the packer may be late on a busy machine.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
enum { BLOCK = 1 << 16, BLOCKS = 2000 };
static unsigned char block[BLOCK];
int main(int count, char **words) {
  int zero = open("/dev/zero", O_RDONLY), random = open("/dev/urandom", O_RDONLY);
  unsigned long sum = 0;
  for (int i = 0; i < BLOCKS; i++) {
    if (read(i % 16 == 0 ? random : zero, block, BLOCK) != BLOCK) return 1;
    for (int k = 0; k < BLOCK; k++) sum = sum * 31 + block[k];
    if (i % 8 == 0) usleep(4000);
  }
  struct stat packed = { 0 };
  for (int i = 0; count > 1 && packed.st_size < 1 << 20 && i < 6000; i++) {
    usleep(10000);
    stat(words[1], &packed);
  }
  printf("%lu\n", sum);
  return 0;
}
