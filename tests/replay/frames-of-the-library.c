// What the library hands to callbacks out of its own frames, and memory of the program's, through the same functions.
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static struct FTW mine = { 3, 4 };
static long modes, levels;
static void note(const struct FTW *where, const struct stat *s) {
  levels = levels * 3 + where->level + where->base;
  modes += s->st_mode & 7;
}
static int each(const char *path, const struct stat *s, int kind, struct FTW *where) {
  struct FTW copy = *where;
  note(where, s);
  note(&copy, s);
  printf("%d %d %d\n", path[where->base] != 0, kind, where->level);
  return 0;
}
int main(void) {
  struct stat s;
  struct FTW *heap = malloc(sizeof *heap);
  char dir[] = "/tmp/itarget-frames-XXXXXX", name[64];
  if (heap == NULL || mkdtemp(dir) == NULL || stat(dir, &s) != 0) return 1;
  *heap = mine;
  note(&mine, &s);
  heap->level = 7;
  note(heap, &s);
  snprintf(name, sizeof name, "%s/file", dir);
  fclose(fopen(name, "w"));
  int r = nftw(dir, each, 8, FTW_PHYS | FTW_DEPTH);
  printf("%d %ld %ld\n", r, modes, levels);
  unlink(name);
  rmdir(dir);
  free(heap);
  return 0;
}
