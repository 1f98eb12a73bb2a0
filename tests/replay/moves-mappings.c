// mremap: anonymous mappings that grow, shrink and can't be moved; a file's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "outside.h"
enum { PAGE = 4096 };
struct list { struct list *next; long number; };
static long sum_of(const struct list *l) {
  long sum = 0;
  for (; l != NULL; l = l->next) sum = sum * 3 + l->number;
  return sum;
}
int main(void) {
  char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct list last = { NULL, 5 }, *first;
  if (p == MAP_FAILED || other == MAP_FAILED) return 1;
  memset(p, 'a', 2 * PAGE);
  strcpy(other, "other");
  first = (struct list *)p;
  *first = (struct list){ &last, 7 };
  printf("%ld\n", sum_of(first));
  for (int pages = 4; pages <= 64; pages *= 2) {
    p = mremap(p, (size_t)pages / 2 * PAGE, (size_t)pages * PAGE, MREMAP_MAYMOVE);
    if (p == MAP_FAILED) return 2;
    p[pages * PAGE - 1] = (char)('a' + pages % 7);
    printf("%d %d %d\n", p[PAGE], p[pages * PAGE - 1], p[pages * PAGE - 2]);
  }
  first = (struct list *)p;
  printf("%ld %s\n", sum_of(first), other);
  char *same = mremap(p, 64 * PAGE, PAGE, 0);
  printf("%d %ld\n", same == p, sum_of(first));
  errno = 0;
  char *none = mremap(p, PAGE, 0, MREMAP_MAYMOVE);
  printf("%d %d\n", none == MAP_FAILED, errno == EINVAL);
  int f = open("/proc/self/exe", O_RDONLY);
  unsigned char *file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, f, 0);
  if (file == MAP_FAILED) return 3;
  file = mremap(file, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
  if (file == MAP_FAILED) return 4;
  long sum = 0;
  for (int i = 0; i < 4 * PAGE; i++) sum += file[i];
  printf("%d\n", sum > 0 && read_all());
  munmap(file, 4 * PAGE);
  munmap(p, PAGE);
  munmap(other, PAGE);
  close(f);
  return 0;
}
