// Anonymous memory at addresses of the program's choice, taken away and given again.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { KIB = 1024, MIB = 1024 * 1024 };
#define map(at, n, prot, flags) ((char *)mmap(at, n, prot, MAP_PRIVATE | MAP_ANONYMOUS | (flags), -1, 0))
int main(void) {
  int both = PROT_READ | PROT_WRITE;
  // A hint.
  char *a = map(NULL, 64 * KIB, both, 0), *b = map(a - 64 * KIB, 64 * KIB, both, 0);
  a[5] = 2, b[100] = 5;
  printf("%d %d\n", a[5], b[100]);
  // Reserved first, used later, by both ways.
  char *room = map(NULL, MIB, PROT_NONE, MAP_NORESERVE), *part = map(room + 64 * KIB, 64 * KIB, both, MAP_FIXED);
  part[7] = 7;
  mprotect(room, 8 * KIB, both);
  room[9] = (char)(getpid() > 0);
  munmap(room + 4 * KIB, 4 * KIB);
  printf("%d %d %d\n", part == room + 64 * KIB, room[64 * KIB + 7], room[9]);
  // What the environment writes through one pointer is read through the other.
  int p[2];
  if (pipe(p) != 0 || write(p[1], "from a pipe", 12) != 12 || read(p[0], part + 1000, 12) != 12) return 1;
  printf("%s\n", room + 64 * KIB + 1000);
  // Zeroed again.
  memset(a, 1, 64 * KIB);
  madvise(a, 4 * KIB, MADV_DONTNEED);
  printf("%d %d\n", a[3], a[5000]);
  madvise(a, 8 * KIB, MADV_FREE);
  a[1] = 3;
  printf("%d %d\n", a[1], a[9000]);
  printf("%d\n", map(a + 4 * KIB, 8 * KIB, both, MAP_FIXED) == a + 4 * KIB);
  printf("%d %d\n", a[9000], a[13000]);
  printf("%d\n", map(a, 4 * KIB, both, MAP_FIXED_NOREPLACE) == MAP_FAILED);
  printf("%d\n", (unsigned long)map(NULL, 4 * KIB, both, MAP_32BIT) < 1ul << 31);
  return 0;
}
