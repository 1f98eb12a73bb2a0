// Anonymous mappings are replay space, file mappings are environment memory.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
  char *a = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (a == MAP_FAILED) return 1;
  memset(a, 'x', 1 << 16); long s = 0; for (int i = 0; i < 1 << 16; i += 64) s += a[i];
  int fd = open("/proc/self/exe", O_RDONLY); struct stat st; if (fd < 0 || fstat(fd, &st)) return 2;
  const char *f = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0); if (f == MAP_FAILED) return 3;
  printf("%ld %d %c%c%c %d\n", s, f[0], f[1], f[2], f[3], memcmp(f, "\177ELF", 4));
  munmap(a, 1 << 16); munmap((void *)f, 4096); close(fd);
  return 0;
}
