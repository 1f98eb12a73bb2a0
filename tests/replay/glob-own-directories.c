// Directories of the program's own behind glob (GLOB_ALTDIRFUNC): the library calls what opens, reads, closes and asks, with names in its own frames.
#define _GNU_SOURCE
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
struct dir { int at; char name[64]; };
static int opened, closed, asked;
static const char *const names[] = { ".", "..", "alpha.c", "beta.c", "beta.h", "gamma.c" };
static void *open_dir(const char *name) { struct dir *d = malloc(sizeof *d); d->at = 0; snprintf(d->name, sizeof d->name, "%s", name); opened++; printf("open %s\n", name); return d; }
static struct dirent *read_dir(void *stream) {
  static struct dirent e;
  struct dir *d = stream;
  if (d->at == 6) return NULL;
  e.d_ino = 1 + d->at; e.d_type = DT_REG; strcpy(e.d_name, names[d->at++]);
  return &e;
}
static void close_dir(void *stream) { closed++; free(stream); }
static int own_stat(const char *name, struct stat *s) { memset(s, 0, sizeof *s); s->st_mode = S_IFREG | 0644; asked += (int)strlen(name); return 0; }
int main(void) {
  glob_t g;
  memset(&g, 0, sizeof g);
  g.gl_opendir = open_dir; g.gl_readdir = (struct dirent *(*)(void *))read_dir; g.gl_closedir = close_dir; g.gl_stat = own_stat; g.gl_lstat = own_stat;
  int r = glob("here/*.c", GLOB_ALTDIRFUNC, NULL, &g);
  for (size_t i = 0; r == 0 && i < g.gl_pathc; i++) printf("%s\n", g.gl_pathv[i]);
  printf("%d %d %d %d\n", r, opened, closed, asked);
  globfree(&g);
  g.gl_closedir = free;
  r = glob("there/b*", GLOB_ALTDIRFUNC | GLOB_MARK, NULL, &g);
  for (size_t i = 0; r == 0 && i < g.gl_pathc; i++) printf("%s\n", g.gl_pathv[i]);
  printf("%d %d %d %d\n", r, opened, closed, asked);
  globfree(&g);
  r = glob("/etc/pass*d", 0, NULL, &g);
  printf("%d %zu\n", r, g.gl_pathc);
  globfree(&g);
  return 0;
}
