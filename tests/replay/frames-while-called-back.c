// What the library hands to a callback lies in its frames on the program's stack; what the program has there itself is no concern of the log's once
// the library calls back no more.
//# log-below: 9000
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static long seen;

__attribute__((noinline)) static long weigh(const struct stat *s) { return s->st_size + s->st_uid % 3 + s->st_nlink; }

static int visit(const char *path, const struct stat *s, int kind, struct FTW *at) {
  (void)path;
  (void)kind;
  seen += weigh(s) + at->level;
  return 0;
}

int main(void) {
  struct stat own;
  long sum = 0;
  memset(&own, 0, sizeof own);
  if (nftw("/proc/self/attr", visit, 4, FTW_PHYS) != 0) return 1;
  for (int i = 0; i < 200000; i++) {
    own.st_size = i ^ sum;
    sum += weigh(&own);
  }
  printf("%d %ld\n", seen > 0, sum);
  return 0;
}
