// Structs by value, returned in memory and in registers, copied with padding.
//# level: R3
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
struct big { char c; long l; int a[10]; double d; };
struct pair { int x, y; };
static struct big make(int n) { struct big b = {'x', n, {n, n + 1}, n * 1.5}; return b; }
static struct pair swap(struct pair p) { return (struct pair){p.y, p.x}; }
static long total(struct big b) { return b.l + b.a[0] + b.a[1]; }
int main(void) {
  struct big *h = malloc(3 * sizeof *h);
  for (int i = 0; i < 3; i++) h[i] = make(i);
  struct big copy = h[2]; h[0] = copy;
  struct pair p = swap((struct pair){1, 2});
  struct timeval tv, tv2; gettimeofday(&tv, NULL); tv2 = tv;
  struct stat st; int r = stat("/", &st); struct stat st2 = st;
  printf("%ld %d %d %d %d %d\n", total(h[0]), p.x, p.y, memcmp(&tv, &tv2, sizeof tv), r, S_ISDIR(st2.st_mode));
  free(h);
  return 0;
}
